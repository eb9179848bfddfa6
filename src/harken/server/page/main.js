/* harken's page: live labels in the first tab, a recording in the second. */

import { live } from "./live.js";
import { recordings } from "./upload.js";
import { tabs } from "./tabs.js";
import { byId } from "./text.js";

tabs(document.querySelector('[role="tablist"]'));
live();
recordings(byId("panel-recording"));
