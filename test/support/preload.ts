/** Before every test file: the same properties see the same samples in every run. FC_SEED tries others. */

import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FC_SEED ?? 20_260) });
