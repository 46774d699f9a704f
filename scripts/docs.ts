/**
 * Writes docs/reference/processor.md, settings.md and agent.md from the schemas.
 *
 *   bun scripts/docs.ts           write them
 *   bun scripts/docs.ts --check   exit 1 if they are not up to date
 */
import { join, resolve } from "node:path";
import { getDefault, getDescription } from "valibot";
import { commands } from "../src/cli/commands.ts";
import { DEFAULT_POLICY_FILE } from "../src/config/agent-policy.ts";
import { agentPolicyForm } from "../src/config/agent-policy-form.ts";
import { describeFields, type FieldDescription } from "../src/config/json-schema.ts";
import { processorForm } from "../src/config/processor-form.ts";
import { kindOf, withoutOptional } from "../src/config/schema-kinds.ts";
import { type Fields, shapeOf } from "../src/config/schema-shapes.ts";
import {
  ignoredKeys,
  secretFileKey,
  settingKeys,
  settingMetadata,
  settingSchemas,
} from "../src/config/settings-keys.ts";

const generated = "<!-- Made by scripts/docs.ts from the schemas in src/config: change those. -->";

/** Path from the root of the repository → content. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/reference/processor.md", processorPage()],
    ["docs/reference/settings.md", settingsPage()],
    ["docs/reference/commands.md", commandsPage()],
    ["docs/reference/agent.md", agentPage()],
  ]);
}

const visibleCommands = await Promise.all(
  commands.filter(({ hidden }) => hidden !== true).map((command) => command.load()),
);

function commandsPage(): string {
  const rows = visibleCommands.map(({ name, summary }) => `| [\`${name}\`](#brigade-${name}) | ${summary} |`);
  const sections = visibleCommands.map(({ name, usage }) => {
    // These say what they are on this machine.
    const text = usage
      .replace(/default here \d+/, "default: twice the machine's, at least 4")
      .replace(/default here cpus:\d+;mem:\d+/, "default: the machine's cpus, and its memory less 1 GB");
    return `## brigade ${name}\n\n\`\`\`\n${text.trimEnd()}\n\`\`\`\n`;
  });
  return `<!-- Made by scripts/docs.ts from the texts of the commands in src/cli: change those. -->

# Commands

\`brigade COMMAND --help\` prints what stands here. Exit codes: 0 success, 1 failure, 2 wrong usage.

${table("| command | does |", rows)}
${sections.join("\n")}`;
}

function processorPage(): string {
  const fields = shapeOf(processorForm).fields ?? {};
  const parts = sections(fields, "").map(([title, own]) => `## ${title}\n\n${fieldTable(own)}`);
  return `${generated}

# Processor files

A file holds one processor, or an array of processors, in JSON. \`brigade validate PATH\` checks files, and
\`brigade schema\` prints their JSON Schema.

- Numbers may be written as text (\`"0.45"\`), and true and false as well.
- Durations are text with units: \`"90s"\`, \`"5m"\`, \`"1h30m"\`, \`"7d"\`.
- Sizes are text with units (\`"900kB"\`, \`"1MB"\`: powers of 1000; \`"4MiB"\`: powers of 1024) or a number of bytes.
- Memory is a number of MB as Mesos and Docker count them (2^20 bytes), or text with a unit: \`64\`, \`"64MB"\`, \`"1GB"\`.
- A field that does not exist is a mistake, except \`$schema\` and fields that begin with \`x-\`.
- A file with a mistake is not used at all; what runs goes on running as it was.

Beside what the tables say: \`output\` and \`error\` differ from \`input\`; two processors, in whatever files, differ in name
and group; \`retry.max-backoff\` is \`retry.backoff\` or more; \`max-in-flight\` is \`max-output\` or more; a container has 6 MB
or more. Processors that feed each other in a circle get a warning.

${parts.join("\n")}`;
}

function agentPage(): string {
  return `${generated}

# The agent's policy

What processors may do on an agent is for whoever runs that agent to say, in the file \`${DEFAULT_POLICY_FILE}\` there (JSON;
\`brigade executor --policy FILE\` reads another one). It is read by the executors on the agent, and a change counts for the
next run. Nothing in a processor file can lift it, as long as the executor is yours: see [what the socket means for
security](../guides/containers.md#what-the-socket-means-for-security).

Without the file everything is allowed but \`privileged\`. A processor that wants what the policy refuses is paused, and
says so. Where the file cannot be read or has a mistake, nothing runs on the agent, and \`brigade status\` says why.

${fieldTable(shapeOf(agentPolicyForm).fields ?? {})}`;
}

/** The fields themselves, then those of every object among them. */
function sections(fields: Fields, prefix: string): readonly (readonly [title: string, fields: Fields])[] {
  const inner = describeFields(fields).flatMap(({ name, schema }) => {
    const own = objectFields(schema);
    return own === undefined ? [] : sections(own, `${prefix}${name}.`);
  });
  return [[prefix === "" ? "Fields" : `In \`${prefix.slice(0, -1)}\``, fields], ...inner];
}

function objectFields(schema: FieldDescription["schema"]): Fields | undefined {
  const { fields, item, value, options = [] } = shapeOf(schema);
  if (fields !== undefined) return fields;
  const inside = [item, value, ...options].filter((one) => one !== undefined);
  return inside.map(objectFields).find((inner) => inner !== undefined);
}

function fieldTable(fields: Fields): string {
  const rows = describeFields(fields).map((field) => {
    const standard = field.required ? "required" : showDefault(field.default);
    return `| \`${field.name}\` | ${field.expects} | ${standard} | ${field.description} |`;
  });
  return table("| field | must be | default | meaning |", rows);
}

/** An empty array or object stands for "nothing given", which the reader need not see. */
function showDefault(value: unknown): string {
  const empty = value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
  return empty ? "" : `\`${JSON.stringify(value)}\``;
}

function settingsPage(): string {
  const rows = settingKeys.map((key) => {
    const schema = withoutOptional(settingSchemas[key]);
    const { defaultText } = settingMetadata(key);
    const standard: unknown = getDefault(settingSchemas[key]);
    const required = schema === settingSchemas[key];
    const shown = typeof standard === "string" ? `\`${standard}\`` : (defaultText ?? "");
    const fileKey = secretFileKey(key);
    const fromFile = fileKey === undefined ? "" : ` \`${fileKey}\` names a file with it.`;
    const description = `${getDescription(schema) ?? ""}${fromFile}`;
    return `| \`${key}\` | ${kindOf(schema).expects ?? ""} | ${required ? "required" : shown} | ${description} |`;
  });
  const ignored = Object.entries(ignoredKeys).map(([key, why]) => `- \`${key}\`: ${why}.`);
  return `${generated}

# Settings

Every setting is a variable of the environment, or a key in the Java properties file that \`--config\` names. The
environment wins over the file, which wins over the default; an empty value counts as not given.
\`brigade config --config FILE\` prints what is used and where it comes from, with secrets hidden.

${table("| key | must be | default | meaning |", rows)}
Keys of the original Brigade that are accepted, and ignored with a warning:

${ignored.join("\n")}

A \`BRIGADE_EXECUTOR\` that starts the original's \`executor.jar\` is ignored in the same way. Any other unknown key in the
file is ignored with a warning that names the nearest key.
`;
}

function table(head: string, rows: readonly string[]): string {
  const columns = head.split("|").length - 2;
  return `${[head, `|${" --- |".repeat(columns)}`, ...rows].join("\n")}\n`;
}

if (import.meta.main) {
  const root = resolve(import.meta.dir, "..");
  const check = process.argv.includes("--check");
  for (const [path, content] of referencePages()) {
    const file = Bun.file(join(root, path));
    if (!check) {
      await Bun.write(file, content);
    } else if (!(await file.exists()) || (await file.text()) !== content) {
      console.error(`${path} is not up to date: run bun scripts/docs.ts`);
      process.exitCode = 1;
    }
  }
}
