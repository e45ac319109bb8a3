// Log text that attacks a page: nothing of it is more than text, and were it more, the policy alone would stop it.
// HOSTILE names a folder of pages of each hostile text, and below tame/ those of a harmless one.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { until, visit } from "./support/browser.mjs";
import { readFileSync, save, setA } from "./support/reports.mjs";

const files = (folder) => readdirSync(folder).filter((name) => name.endsWith(".html")).sort().map((name) => join(folder, name));

/** The kinds of elements with their attributes, and all links. */
const kinds = () => {
  const all = [...document.querySelectorAll("*")];
  return {
    kinds: [...new Set(all.map((one) => `${one.namespaceURI} ${one.localName} ${[...one.attributes].map(({ name }) => name).sort().join(" ")}`))],
    links: [...new Set(all.flatMap((one) => ["href", "src", "action", "xlink:href", "data"].map((name) => one.getAttribute(name)).filter(Boolean)))],
    scripts: document.scripts.length,
    comments: document.evaluate("count(//comment())", document).numberValue,
  };
};

test("hostile text of every kind stays text", async () => {
  const folder = process.env.HOSTILE;
  assert(folder, "HOSTILE names no folder: tests/it/browser.rs makes it");
  const tame = new Set();
  for (const path of files(join(folder, "tame"))) {
    const seen = await visit(path, {}, (page) => page.evaluate(kinds));
    seen.kinds.forEach((kind) => tame.add(kind));
  }
  assert(tame.size > 30, `${tame.size} kinds of elements`);
  const pages = files(folder);
  assert(pages.length > 50, `${pages.length} pages`);
  let shownAsText = 0;
  for (const path of pages) {
    await visit(path, {}, async (page) => {
      await page.$$eval("details", (all) => all.forEach((one) => { one.open = true; }));
      const seen = await page.evaluate(kinds);
      assert.deepEqual(seen.kinds.filter((kind) => !tame.has(kind)), [], path);
      assert.deepEqual(seen.links.filter((link) => !link.startsWith("#")), [], path);
      assert(seen.scripts <= 2 && seen.comments === 0, path);
      const { title, text } = await page.evaluate(() => ({ title: document.title, text: document.body.innerText }));
      if (text.includes("<script>alert(1)") || text.includes("$(touch HACKED)")) shownAsText += 1;
      // Nothing hides or reorders what is read: Unicode's controls and formats, line ends and the joiners in between aside.
      assert.doesNotMatch(title, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, path);
      assert.doesNotMatch(text.replace(/[\n\t]/g, ""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, path);
      assert(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is too wide`);
    });
  }
  assert(shownAsText > 0, "no page shows what it was given");
});

test("filters work with names of every kind", async () => {
  for (const path of files(process.env.HOSTILE)) {
    await visit(path, {}, async (page) => {
      const nodes = await page.evaluate(() => [...document.querySelectorAll("select[name=node] option")].map(({ value }) => value).filter(Boolean));
      for (const node of nodes) {
        const own = await page.evaluate((node) => [...document.querySelectorAll(".finding")].filter((one) => one.dataset.node === node).length, node);
        await page.getByRole("combobox", { name: "Node" }).selectOption({ value: node });
        const left = () => [...document.querySelectorAll(".finding")].filter((one) => !one.hidden).length;
        await until(page, () => new URLSearchParams(location.hash.slice(1)).get("node"), (seen) => seen === node);
        assert.equal(await page.evaluate(left), own, `${path}: ${node}`);
        // A part of the page that is of the node stays.
        const hidden = await page.evaluate((node) => [...document.querySelectorAll("figure")].some((one) => one.hidden && one.textContent.includes(node)), node);
        assert(!hidden, `${path}: the timeline of ${node} is hidden`);
      }
    });
  }
});

/** Markup that runs something or asks for something, were it allowed. */
const attacks = (url) => `
  <script>window.owned = "an element"</script>
  <script src="${url}/script.js"></script>
  <script type="module">import "${url}/module.js"; window.owned = "a module"</script>
  <img src="nowhere" onerror="window.owned = 'a handler'">
  <img src="${url}/image.png">
  <svg onload="window.owned = 'a handler of svg'"><use href="${url}/use.svg#x"/></svg>
  <details open ontoggle="window.owned = 'a handler of details'"><summary>x</summary></details>
  <a id="link" href="javascript:void(window.owned = 'a link')">link</a>
  <button id="handler" onclick="window.owned = 'a click'">x</button>
  <iframe srcdoc="<script>parent.owned = 'a frame'</script>"></iframe>
  <iframe src="${url}/frame.html"></iframe>
  <object data="${url}/object"></object><embed src="${url}/embed">
  <video src="${url}/video"></video>
  <link rel="stylesheet" href="${url}/style.css"><link rel="icon" href="${url}/icon.png"><link rel="manifest" href="${url}/manifest">
  <style>@import "${url}/import.css"; h1 { display: none } body { background: url("${url}/back.png") }</style>
  <p id="styled" style="background: url('${url}/styled.png')">x</p>
  <base href="${url}/">
  <form id="form" action="${url}/form"><input name="secret" value="x"><button id="submit">x</button></form>`;

/** Opens a page with the attacks in it, and returns what came of them. */
const attack = async (html) => {
  const reached = [];
  const server = createServer((request, response) => {
    reached.push(request.url);
    response.end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const injected = attacks(`http://127.0.0.1:${server.address().port}`);
  const path = save(html.replace("<main>", `<main>${injected}`));
  try {
    return await visit(path, { quiet: false }, async (page, { said, url }) => {
      for (const id of ["link", "handler", "submit"]) await page.locator(`#${id}`).dispatchEvent("click");
      // What was allowed has begun before a second script has run.
      await page.waitForLoadState("networkidle").catch(() => {});
      const stays = page.url().split("#")[0].split("?")[0] === url;
      const owned = stays ? await page.evaluate(() => window.owned ?? "") : "a form";
      const isStyled = stays && (await page.evaluate(() => getComputedStyle(document.querySelector("h1")).display === "none"));
      const works = stays && (await page.evaluate(() => document.documentElement.className === "js"));
      return { owned, isStyled, works, reached, refused: said.filter((one) => one.includes("Content Security Policy")).length };
    });
  } finally {
    server.close();
  }
};

test("the policy alone stops what is injected", async () => {
  const { html } = setA();
  const held = await attack(html);
  assert.deepEqual({ ...held, refused: 0 }, { owned: "", isStyled: false, works: true, reached: [], refused: 0 });
  assert(held.refused > 12, `${held.refused} refusals`);
  // Without the policy all that does harm.
  const open = await attack(html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, ""));
  assert.notEqual(open.owned, "");
  assert(open.reached.length > 5, `${open.reached}`);
});
