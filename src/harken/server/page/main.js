/* harken's page: what a wrist is doing now, and what it did on a recorded day. */

import { live } from "./live.js";
import { recordings } from "./upload.js";
import { tabs } from "./tabs.js";
import { byId } from "./text.js";

tabs(document.querySelector('[role="tablist"]'));
live();
recordings(byId("panel-recording"));
