// What stands on a page: what the JSON has, with script and without.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { until, visit } from "./support/browser.mjs";
import { ROOT, compared, guessed, many, report, setA, upgrade } from "./support/reports.mjs";

const ids = (page) => page.$$eval("details.finding", (all) => all.map((one) => one.id));
const sorted = (all) => [...all].sort();

test("the findings of a page are those of the JSON, for every log among the fixtures", async () => {
  const logs = readdirSync(join(ROOT, "fixtures"), { recursive: true }).filter((name) => name.endsWith(".log"));
  assert(logs.length > 30);
  let found = 0;
  for (const log of logs.sort()) {
    const { path, html, json } = report(join("fixtures", log));
    if (html === "") {
      assert.equal(json, "", log);
      continue;
    }
    await visit(path, {}, async (page) => {
      assert.deepEqual(sorted(await ids(page)), sorted(json.findings.map(({ id }) => id)), log);
      assert.deepEqual(JSON.parse(await page.locator("#report").textContent()), json, log);
    });
    found += json.findings.length;
  }
  assert(found > 200, `${found} findings`);
});

test("the title has the nodes and the span", async () => {
  const { path } = setA();
  await visit(path, {}, async (page) => {
    assert.equal(await page.title(), "harvester1, harvester2, harvester3: 2026-04-22 10:00:00 to 10:04:45 UTC · dropsift");
  });
  await visit(many(500).path, {}, async (page) => assert.match(await page.title(), /^25 nodes: 2026-04-22 10:00:00 to /));
});

test("a page is whole without script", async () => {
  const { path, json } = setA();
  await visit(path, { javaScriptEnabled: false }, async (page) => {
    for (const heading of ["Missing", "Decide", "Review", "Nothing to do", "Caution", "Fix now", "Fix for good", "Timeline", "What was read"]) {
      assert(await page.getByRole("heading", { name: heading, level: 2 }).isVisible(), heading);
    }
    assert(await page.getByRole("search").isHidden(), "filters need the script");
    for (const { id, node, logged, evidence, sample } of json.findings) {
      // A finding may stand in a group that is closed.
      const finding = page.locator(`details[id="${id}"]`);
      const group = page.locator("details.group", { has: finding });
      if ((await group.count()) && !(await finding.isVisible())) await group.locator("summary").first().click();
      await finding.scrollIntoViewIfNeeded();
      await finding.locator("summary").click();
      const text = await finding.innerText();
      assert.match(text, new RegExp(`${node}\\s+${logged} drop`), id);
      for (const one of evidence) assert(text.includes(one.text), `${id}: ${one.text}`);
      assert(text.includes(sample), id);
    }
    for (const rule of json.rules.filter(({ disposition }) => disposition === "documented")) {
      const now = page.locator("section", { has: page.locator("#fix-now") });
      assert((await now.innerText()).includes(rule.insert), rule.id);
    }
  });
});

/** The clock of a time as the pages of one day write it. */
const clock = (time) => time.slice(11, 19);

test("the table of a timeline has what its drawing has", async () => {
  for (const { path, json } of [setA(), upgrade()]) {
    await visit(path, {}, async (page) => {
      for (const node of json.nodes) {
        const figure = page.locator("figure.timeline", { has: page.locator(`figcaption:text("${node.node}")`) });
        await figure.locator("details summary").click();
        const rows = await figure.locator("tbody tr").evaluateAll((all) =>
          all.map((row) => [row.querySelector("a")?.getAttribute("href"), ...[...row.children].map((cell) => cell.textContent)]));
        const own = json.findings.filter((one) => one.node === node.node);
        const wanted = own.map(({ id, first, last, logged }) => [`#${id}`, clock(first), clock(last), String(logged)]);
        const findings = rows.filter(([link]) => link).map(([link, , ...rest]) => [link, ...rest]);
        assert.deepEqual(sorted(findings), sorted(wanted), node.node);
        const times = (word) => rows.filter(([link, label]) => !link && label.startsWith(word)).map(([, , from, to]) => [from, to]);
        assert.deepEqual(times("LOG limit used up"), node.saturated.map(({ from, to }) => [clock(from), clock(to)]));
        assert.deepEqual(times("boot").map(([from]) => from), node.boots.map(clock));
        assert.equal(times("upgrade").length, json.windows.length);
        // The drawing: a link a finding, a mark a line (of those at one place, one), a band a stretch, a line a boot.
        const drawing = figure.locator("svg").first();
        assert.equal(await drawing.locator("a").count(), own.length);
        assert.equal(await drawing.locator("rect.hatched").count(), node.saturated.length);
        assert.equal(await drawing.locator("line.boot").count(), node.boots.length);
        assert.equal(await drawing.locator("rect.window").count(), json.windows.length);
        const marks = await drawing.locator("a + svg path.ticks").evaluateAll((all) => all.map((one) => one.getAttribute("d").split("M").length - 1));
        const most = own.map(({ times }) => times.length);
        assert.equal(marks.length, own.length);
        assert(sorted(marks).every((number, n) => number >= 1 && number <= sorted(most)[n]), `${marks} of ${most}`);
        // It is drawn within its width.
        const { width } = await figure.boundingBox();
        const ends = await drawing.locator("rect, line, path").evaluateAll((all) => all.map((one) => one.getBoundingClientRect().right));
        const left = (await figure.boundingBox()).x;
        assert(ends.every((end) => end <= left + width + 2), `${Math.max(...ends)} of ${left + width}`);
      }
    });
  }
});

test("pages of a guess, of an upgrade and of a comparison are quiet, and their links lead somewhere", async () => {
  for (const { path } of [guessed(), upgrade(), compared()]) {
    await visit(path, {}, async (page) => {
      const dead = await page.$$eval("a[href]", (all) => all.map((one) => one.getAttribute("href")).filter((href) => !document.getElementById(href.slice(1))));
      assert.deepEqual(dead, []);
      await until(page, () => document.documentElement.className, (name) => name === "js");
    });
  }
});
