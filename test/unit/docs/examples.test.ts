import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Glob } from "bun";
import { parseAgentPolicy } from "../../../src/config/agent-policy-form.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import { parseProcessors } from "../../../src/config/processor-schema.ts";

/* What the documents show must be so: their JSON is accepted, and their links lead somewhere. */

const root = resolve(import.meta.dir, "../../..");
const pages = ["README.md", ...new Glob("docs/**/*.md").scanSync({ cwd: root })].sort();

interface Example {
  readonly place: string;
  readonly json: string;
}

const examples: readonly Example[] = pages.flatMap((page) => {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^( *)```json\n([\s\S]*?)^\1```$/gm)].map((match) => ({
    place: `${page}:${text.slice(0, match.index).split("\n").length}`,
    json: match[2] ?? "",
  }));
});

/** A processor, some of its fields, or an agent's policy. */
function problemsOf({ json, place }: Example): readonly string[] {
  const isFragment = json.trimStart().startsWith('"');
  const text = isFragment ? `{"name": "a", "input": "b", "docker": "c", ${json}}` : json;
  if (!isFragment && !json.includes('"name"')) {
    parseAgentPolicy(text, place);
    return [];
  }
  return parseProcessors(text, place).problems.map(formatProblem);
}

test.each(examples)("the example at $place is accepted as it stands", (example) => {
  expect(problemsOf(example)).toEqual([]);
});

/** As GitHub makes the anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function brokenLinks(page: string): readonly string[] {
  const path = join(root, page);
  const links = [...readFileSync(path, "utf8").matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? path : resolve(dirname(path), file);
    if (!existsSync(target)) return true;
    if (anchor === undefined || !target.endsWith(".md")) return false;
    const headings = readFileSync(target, "utf8").matchAll(/^#+ (.*)$/gm);
    return ![...headings].some(([, heading = ""]) => anchorOf(heading) === anchor);
  });
}

describe("links", () => {
  test.each(pages)("of %s lead to files and headings that are there", (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  test("are looked for in every page", () => {
    expect(pages.map((page) => relative(root, join(root, page)))).toContain("docs/guides/container-options.md");
    expect(examples.length).toBeGreaterThan(5);
  });
});
