// What a reader does on a page: filters, links, keys, copies, prints.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { NARROW, hash, until, visit } from "./support/browser.mjs";
import { FOLDER, many, setA, upgrade } from "./support/reports.mjs";

let a;
before(() => {
  a = setA();
});

const choose = (page, name) => page.getByRole("combobox", { name });
const shown = () => [...document.querySelectorAll("details.finding")].filter((one) => !one.hidden).map((one) => one.id).sort();
const is = (wanted) => (seen) => JSON.stringify(seen) === JSON.stringify(wanted);
const of = (findings) => findings.map(({ id }) => id).sort();

test("filters narrow the findings, and the address has them", async () => {
  const { path, json } = a;
  const one = json.findings.filter(({ node }) => node === "harvester1");
  const both = one.filter(({ verdict }) => verdict === "missing-rule");
  const words = both.filter(({ port }) => port === 2112);
  assert(one.length > both.length && both.length > words.length && words.length > 0);
  const address = await visit(path, {}, async (page) => {
    await until(page, shown, is(of(json.findings)));
    await choose(page, "Node").selectOption("harvester1");
    await until(page, shown, is(of(one)));
    assert.equal(hash(page), "#node=harvester1");
    await choose(page, "Verdict").selectOption("missing-rule");
    await until(page, shown, is(of(both)));
    await page.getByRole("searchbox", { name: "Text" }).fill("2112 METRICS");
    await until(page, shown, is(of(words)));
    assert.match(await page.getByRole("status").innerText(), new RegExp(`^${words.length} of ${json.findings.length} `));
    const address = new URL(page.url()).hash;
    // Nothing is left of a section but a word about it, and of parts of other nodes nothing.
    const fix = page.locator("section", { has: page.locator("#fix-now") });
    assert.match(await fix.innerText(), /on harvester1/);
    assert.doesNotMatch(await fix.innerText(), /on harvester3/);
    await page.getByRole("button", { name: "Show all" }).click();
    await until(page, shown, is(of(json.findings)));
    assert.equal(hash(page).replace("#", ""), "");
    return address;
  });
  await visit(path, { hash: address }, async (page) => {
    await until(page, shown, is(of(words)));
    assert.equal(await choose(page, "Node").inputValue(), "harvester1");
    assert.equal(await choose(page, "Verdict").inputValue(), "missing-rule");
    assert.equal(await page.getByRole("searchbox", { name: "Text" }).inputValue(), "2112 METRICS");
  });
  // Each finding is found by each thing of it that a reader may look for.
  await visit(path, {}, async (page) => {
    for (const { id, peers, port, evidence } of json.findings) {
      for (const word of [id, peers[0], String(port ?? ""), evidence[0].text]) {
        await page.getByRole("searchbox", { name: "Text" }).fill(word);
        await until(page, shown, (seen) => seen.includes(id) || seen.length === json.findings.length);
        assert((await page.evaluate(shown)).includes(id), `${id}: ${word}`);
      }
    }
    await page.getByRole("searchbox", { name: "Text" }).fill("nothing has this");
    await until(page, shown, is([]));
    assert(await page.getByText("The filters leave none of these.").first().isVisible());
  });
});

const place = (id) => {
  const finding = document.getElementById(id);
  const { top, bottom } = finding.querySelector("summary").getBoundingClientRect();
  return { open: finding.open, seen: top >= 0 && bottom <= innerHeight };
};
const OPEN = { open: true, seen: true };
/** Waits until a finding is open and seen, and the next key is for it. */
const opened = async (page, id) => {
  await until(page, place, is(OPEN), id);
  const within = (id) => document.getElementById(id).contains(document.activeElement);
  if (!(await page.evaluate(within, id))) await page.keyboard.press("Tab");
  assert(await page.evaluate(within, id), `the focus is not at ${id}`);
};

test("an address opens its finding and scrolls to it", async () => {
  for (const options of [{}, { viewport: NARROW }]) {
    for (const { id } of a.json.findings) {
      await visit(a.path, { ...options, hash: `#${id}` }, async (page) => {
        await opened(page, id);
        assert.equal(hash(page), `#${id}`);
      });
    }
  }
  const [first, , third] = a.json.findings;
  await visit(a.path, { hash: `#node=${first.node}&at=${first.id}` }, async (page) => {
    await opened(page, first.id);
    // Beside filters that hide it, an address shows it all the same.
    const other = a.json.findings.find(({ node }) => node !== first.node);
    await page.evaluate((id) => { location.hash = `node=harvester1&at=${id}`; }, other.node === "harvester1" ? third.id : other.id);
    await opened(page, other.id);
  });
  await visit(a.path, {}, async (page) => {
    // A link, and back.
    await page.locator("ul.counts a").first().click();
    assert.equal(hash(page), "#missing");
    const link = page.locator(`figure.timeline svg a[href="#${first.id}"]`);
    await link.click();
    await opened(page, first.id);
    await page.goBack();
    await until(page, () => location.hash, is("#missing"));
  });
  // An anchor of many.
  const { path, json } = many(500);
  const last = json.findings.at(-1);
  await visit(path, { hash: `#${last.id}` }, (page) => opened(page, last.id));
});

test("an address that leads nowhere, or says nonsense, does no harm", async () => {
  for (const bad of ["#nowhere", "#node=nobody", "#at=%", "#verdict=x&text=%F0%9F", "#=", "#node=harvester1&at=<img src=x>"]) {
    await visit(a.path, { hash: bad }, (page) => until(page, () => document.documentElement.className, is("js")));
  }
});

/** What has the focus: its place among all elements, its text, and whether it is seen with an outline. */
const focus = () => {
  const one = document.activeElement;
  const { top, bottom, width, height } = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  return {
    index: [...document.querySelectorAll("*")].indexOf(one),
    name: `${one.localName} ${(one.ariaLabel ?? one.textContent).trim().slice(0, 60)}`,
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: width > 0 && height > 0 && bottom > 0 && top < innerHeight,
  };
};

test("keys alone reach everything, in the order of the page", async () => {
  for (const viewport of [undefined, NARROW]) {
    await visit(a.path, viewport ? { viewport } : {}, async (page) => {
      // All of it is open, so that all of it can be reached.
      await page.$$eval("details", (all) => all.forEach((one) => { one.open = true; }));
      await until(page, () => [...document.querySelectorAll(".command")].every((one) => one.previousElementSibling?.matches("button")), is(true));
      const wanted = await page.evaluate(() => [...document.querySelectorAll("*")].flatMap((one, index) =>
        one.matches("a[href]:not([tabindex='-1']), button, input, select, summary, [tabindex='0']") ? [index] : []));
      const seen = [];
      for (let n = 0; n < wanted.length; n += 1) {
        await page.keyboard.press("Tab");
        const now = await page.evaluate(focus);
        seen.push(now.index);
        assert(now.outlined, `${now.name} has no outline`);
        assert(now.seen, `${now.name} is not seen`);
      }
      assert.deepEqual(seen, wanted);
      await page.keyboard.press("Shift+Tab");
      assert.equal((await page.evaluate(focus)).index, wanted.at(-2));
    });
  }
});

test("keys alone work everything", async () => {
  await visit(a.path, {}, async (page) => {
    const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    const reach = async (selector) => {
      for (let n = 0; n < 500; n += 1) {
        if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
        await press("Tab");
      }
      assert.fail(`no key reaches ${selector}`);
    };
    await reach(".skip");
    await press("Enter");
    await until(page, () => document.activeElement.localName, is("h1"));
    await reach(".counts a");
    await press("Enter");
    await until(page, () => document.activeElement.id, is("missing"));
    // The first finding opens and closes, with both keys.
    for (const key of ["Enter", "Space"]) {
      await reach("details.finding summary");
      await press(key);
      await until(page, () => document.activeElement.parentElement.open, is(true));
      await press(key);
      await until(page, () => document.activeElement.parentElement.open, is(false));
    }
    await press("Enter");
    await reach("details.finding .copy");
    await press("Enter");
    const command = await page.evaluate(() => document.activeElement.nextElementSibling.textContent);
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), command);
    // Filters: a letter chooses, text is typed, a button forgets.
    await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
    await page.locator(".skip").focus();
    await reach("select[name=node]");
    await page.keyboard.type("harvester3");
    await until(page, () => document.querySelector("select[name=node]").value, is("harvester3"));
    await until(page, shown, is(of(a.json.findings.filter(({ node }) => node === "harvester3"))));
    await reach("input");
    await page.keyboard.type("9796");
    await until(page, () => location.hash.slice(1), (text) => {
      const state = new URLSearchParams(text);
      return state.get("node") === "harvester3" && state.get("text") === "9796";
    });
    await reach("button[type=reset]");
    await press("Enter");
    await until(page, shown, is(of(a.json.findings)));
    // A table too wide for the page scrolls.
    await page.setViewportSize(NARROW);
    for (const name of ["Nodes", "Inputs"]) {
      await reach(`[aria-label="${name}"]`);
      const room = () => document.activeElement.scrollWidth - document.activeElement.clientWidth;
      if ((await page.evaluate(room)) > 0) {
        await press("ArrowRight");
        await until(page, () => document.activeElement.scrollLeft, (left) => left > 0);
      }
    }
  });
});

test("copied is what is to be run, and no more", async () => {
  const { path, json } = a;
  const copied = async (page, button) => {
    await button.click();
    assert.equal(await until(page, (one) => one.textContent, (text) => text !== "Copy", button), "Copied");
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const buttons = async (place) => {
    const all = place.getByRole("button", { name: "Copy" });
    await all.first().waitFor();
    return all.elementHandles();
  };
  const rules = new Map(json.rules.map((rule) => [rule.id, rule]));
  // With a clipboard, and without one as in a page that is not secure.
  const none = (page) => page.addInitScript(() => Object.defineProperty(navigator.clipboard, "writeText", { value: undefined }));
  for (const before of [undefined, none]) {
    await visit(path, before ? { before } : {}, async (page) => {
      const section = (id) => page.locator("section", { has: page.locator(id) });
      const all = [];
      for (const button of await buttons(section("#fix-now"))) all.push(await copied(page, button));
      // The commands are those of the JSON, those of a node in one piece.
      const documented = json.rules.filter(({ disposition }) => disposition === "documented");
      const nodes = [...new Set(documented.map(({ node }) => node))];
      const wanted = nodes.map((name) => {
        const own = documented.filter(({ node }) => node === name);
        return [own[0].place, ...own.map(({ insert }) => insert)].sort();
      });
      assert.deepEqual(all.map((text) => text.trimEnd().split("\n").sort()), wanted);
      for (const text of all) {
        // The number of the place comes before the commands that use it, and a shell can parse it.
        assert.match(text, /^n=/);
        const script = join(FOLDER, "copied.sh");
        writeFileSync(script, text);
        execFileSync("bash", ["-n", script]);
      }
      for (const { id, rules: names } of json.findings.filter(({ rules }) => rules.length)) {
        const finding = page.locator(`details[id="${id}"]`);
        await finding.locator("summary").click();
        const own = [];
        for (const button of await buttons(finding)) own.push(await copied(page, button));
        const of = (rule) => [`${rule.place}\n${rule.insert}`, `- ${rule.cloudinit}`];
        assert.deepEqual(own.map((text) => text.trimEnd()), names.flatMap((name) => of(rules.get(name))), id);
      }
    });
  }
});

/** The text of a page as it is printed, by another program. */
const printed = async (page) => {
  const pdf = join(FOLDER, "printed.pdf");
  await page.pdf({ path: pdf, format: "A4" });
  return execFileSync("pdftotext", ["-layout", pdf, "-"], { encoding: "utf8", maxBuffer: 1 << 28 });
};
const bare = (text) => text.normalize("NFKC").replace(/\s+/g, "");

test("printed, what asks for something is open, and nothing is cut", async () => {
  for (const one of [a, upgrade()]) {
    await visit(one.path, { colorScheme: "dark" }, async (page) => {
      const closed = await page.locator("details:not([open])").count();
      const text = bare(await printed(page));
      // Of what needs nothing the row is enough.
      for (const { id, service, port } of one.json.findings) assert(text.includes(bare(service ?? String(port ?? ""))), `${id} is not printed`);
      const asking = await page.$$eval("details.finding", (all) => all.filter((one) => !one.closest(".group")).map(({ id }) => id));
      assert.deepEqual(asking.sort(), of(one.json.findings.filter(({ verdict }) => ["missing-rule", "review"].includes(verdict))));
      for (const { id, evidence, sample } of one.json.findings.filter(({ id }) => asking.includes(id))) {
        assert(text.includes(bare(sample)), `the sample of ${id} is not printed`);
        for (const test of evidence) assert(text.includes(bare(test.text)), `${id}: ${test.text}`);
      }
      for (const { id, insert, cloudinit } of one.json.rules) {
        assert(text.includes(bare(insert)) && text.includes(bare(cloudinit)), `the rule ${id} is not printed`);
      }
      assert(!text.includes("Showall"), "filters are of no use on paper");
      await until(page, () => document.querySelectorAll("details:not([open])").length, is(closed));
      // On paper of A4, with its margins; the colours are those of paper.
      await page.emulateMedia({ media: "print" });
      await page.setViewportSize({ width: 718, height: 1000 });
      await page.$$eval("details", (all) => all.forEach((one) => { one.open = true; }));
      const cut = await page.evaluate(() => [...document.querySelectorAll("body *:not(svg *)")]
        .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 && getComputedStyle(one).overflowX !== "visible")
        .map((one) => `${one.className} ${one.ariaLabel} ${one.scrollWidth} of ${one.clientWidth}`));
      assert.deepEqual(cut, []);
      assert(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is wider than paper");
      assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
    });
  }
});
