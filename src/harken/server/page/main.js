/* harken's page: live labels in the first tab, a recording in the second. */

import { learn } from "./learn.js";
import { live } from "./live.js";
import { recordings } from "./upload.js";
import { tabs } from "./tabs.js";
import { byId } from "./text.js";

tabs(document.querySelector('[role="tablist"]'));
const { refresh } = learn(byId("learn"));
live({ onRecorded: refresh });
recordings(byId("panel-recording"));
