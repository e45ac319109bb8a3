// Debian's chromium, and what a page says and asks for in it.

import assert from "node:assert/strict";
import { after } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

// What takes longer does not come.
const PATIENCE = Number(process.env.PATIENCE ?? 60) * 1000;
export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 360, height: 740 };

let started;
const browser = () => {
  started ??= chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Root has no sandbox of its own; the pages are this program's.
    args: process.getuid() === 0 ? ["--no-sandbox"] : [],
  });
  return started;
};
after(async () => (await started)?.close());

/** Opens a file in a browser of its own, calls `look` with the page, and fails if the page said or asked for anything. */
export const visit = async (path, options, look) => {
  const { hash = "", quiet = true, before = () => {}, ...rest } = options;
  const context = await (await browser()).newContext({ viewport: WIDE, permissions: ["clipboard-read", "clipboard-write"], ...rest });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const said = [];
    const asked = [];
    page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => said.push(`error: ${error}`));
    page.on("dialog", (dialog) => said.push(`dialog: ${dialog.message()}`));
    context.on("page", (other) => said.push(`a page: ${other.url()}`));
    context.on("request", (request) => asked.push(request.url().split("#")[0]));
    await before(page);
    const url = pathToFileURL(path).href;
    await page.goto(url + hash);
    const seen = await look(page, { said, asked, url });
    if (quiet) {
      assert.deepEqual(said, []);
      assert.deepEqual([...new Set(asked)], [url]);
    }
    return seen;
  } finally {
    await context.close();
  }
};

/** The part of the address behind `#`. */
export const hash = (page) => decodeURIComponent(new URL(page.url()).hash);

/** Waits until `look` gives a value that passes `test`. */
export const until = async (page, look, test, argument) => {
  const began = Date.now();
  for (;;) {
    const seen = await page.evaluate(look, argument);
    if (test(seen)) return seen;
    assert(Date.now() - began < PATIENCE, `it stays ${JSON.stringify(seen)}`);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
};
