// Loaded before the author's modules in a component: fakers and others ask for a number or the time when they are loaded.

import { guard } from "./guard.js";

guard({ nothingBehind: true });
