// Reports that the program makes; DROPSIFT names its binary.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { manyFindings, upgradeHour } from "./logs.mjs";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");
export const FOLDER = mkdtempSync(join(tmpdir(), "dropsift-browser-"));
process.on("exit", () => rmSync(FOLDER, { recursive: true, force: true }));

// Without these a report would depend on the day.
const FIXED = ["--year", "2026", "--now", "2026-12-31T00:00:00Z", "-q"];

/** What the program writes; of its exit codes those of an answer, 0 and 1, are expected, and more of `exits`. */
export const run = (args, exits = [0, 1]) => {
  try {
    return execFileSync(process.env.DROPSIFT, args, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    if (!exits.includes(error.status)) throw new Error(`dropsift ${args.join(" ")} ends with ${error.status}: ${error.stderr}`);
    return error.stdout;
  }
};

let pages = 0;
/** Writes a page, and returns its path. */
export const save = (html) => {
  const path = join(FOLDER, `page-${(pages += 1)}.html`);
  writeFileSync(path, html);
  return path;
};

/** A report as a page and as JSON. */
export const report = (...args) => {
  const html = run([...FIXED, "-o", "html", ...args], [0, 1, 2, 3]);
  const json = run([...FIXED, "-o", "json", ...args], [0, 1, 2, 3]);
  return { html, path: save(html), json: json && JSON.parse(json), args };
};

/** The same in the text that is for people. */
export const text = ({ args }) => run([...FIXED, ...args]);

const log = (name, content) => {
  const path = join(FOLDER, name);
  writeFileSync(path, content);
  return path;
};

const ROLES = ["--role", "control-plane", "--role", "harvester3=worker"];
export const setA = () => report(...ROLES, "fixtures/set-a/limited.log");
export const guessed = () => report("fixtures/set-a/limited.log");
export const upgrade = () => report(...ROLES, "--upgrade", "2026-04-22 10:00..10:50", log("upgrade.log", upgradeHour()));
export const many = (number) => report("--role", "control-plane", log(`many-${number}.log`, manyFindings(number)));
export const compared = () => {
  const before = log("before.json", run([...FIXED, "-o", "json", "--only", "harvester1", "fixtures/set-a/limited.log"]));
  return { path: save(run(["diff", before, "fixtures/set-a/limited.log", "--year", "2026", "-q", "-o", "html"])) };
};
export { readFileSync };
