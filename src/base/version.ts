import manifest from "../../package.json" with { type: "json" };

/** The version of this Brigade, as package.json has it. */
export const brigadeVersion: string = manifest.version;
