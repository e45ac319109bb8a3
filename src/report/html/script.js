"use strict";
(() => {
  const root = document.documentElement;
  const form = document.querySelector(".filters");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const texts = new WeakMap();
  root.classList.add("js");

  // The state of the page is in the part of the address behind #: the filters, and the element that is shown.
  const read = () => {
    const hash = location.hash.slice(1);
    const state = hash.includes("=") ? new URLSearchParams(hash) : new URLSearchParams();
    return {
      node: state.get("node") || "", verdict: state.get("verdict") || "", text: state.get("text") || "",
      at: state.get("at") || (hash.includes("=") ? "" : hash),
    };
  };
  const address = (state) => {
    const named = Object.entries(state).filter(([, value]) => value);
    const filtered = state.node || state.verdict || state.text;
    return "#" + (filtered ? new URLSearchParams(named) : state.at);
  };
  const write = (state) => history.replaceState(null, "", address(state));

  const has = (element, node) => element.dataset.node.split(" ").includes(node);
  const textOf = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };

  // Of very many findings and timelines those that come into view are built: the others wait as text, as they stand in the
  // page, and are searched there.
  const built = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) build(target);
  }, { rootMargin: "1200px 0px" });
  const source = (later) => later.querySelector("noscript").textContent;
  const build = (later) => {
    if (!later.classList.contains("later")) return;
    const template = document.createElement("template");
    template.innerHTML = source(later);
    later.classList.remove("later");
    built.unobserve(later);
    later.style.height = "";
    const isHeld = later.contains(document.activeElement);
    later.replaceChildren(template.content);
    if (isHeld) later.querySelector("summary")?.focus({ preventScroll: true });
  };
  const buildAll = () => all(".later").forEach(build);
  for (const later of all(".later")) {
    const size = Number(later.dataset.size ?? 0);
    later.style.height = size ? `${2.9 * size}rem` : "400rem";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = size ? `Show ${size} findings` : "Show timelines";
    button.addEventListener("click", () => build(later));
    later.append(button);
    built.observe(later);
  }
  const escaped = (text) => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
  const sources = new WeakMap();
  const sourcesOf = (later) => {
    if (!sources.has(later)) {
      const parts = source(later).split('<details class="finding"').slice(1);
      sources.set(later, parts.map((part) => {
        const end = part.indexOf(">");
        return [part.slice(0, end), part.slice(end + 1).replace(/<[^>]*>/g, " ").toLowerCase()];
      }));
    }
    return sources.get(later);
  };
  /** Builds what has a finding that passes. */
  const find = (state, words) => {
    const wanted = words.map(escaped);
    for (const later of all(".batch.later")) {
      const passes = sourcesOf(later).some(([head, text]) =>
        (!state.node || head.includes(`data-node="${escaped(state.node)}"`))
        && (!state.verdict || head.includes(`data-verdict="${state.verdict}"`))
        && wanted.every((word) => text.includes(word)));
      if (passes) build(later);
      later.hidden = !passes;
    }
  };

  const apply = (state) => {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    const filtered = state.node || state.verdict || words.length;
    if (filtered) find(state, words);
    let shown = 0;
    const findings = all(".finding");
    for (const finding of findings) {
      const passes = (!state.node || has(finding, state.node))
        && (!state.verdict || finding.dataset.verdict === state.verdict)
        && words.every((word) => textOf(finding).includes(word));
      finding.hidden = !passes;
      shown += passes;
    }
    let number = findings.length;
    for (const later of all(".batch.later")) {
      number += Number(later.dataset.size);
      if (!filtered) later.hidden = false;
    }
    // What is not in view takes the height of what the filters leave of it.
    for (const batch of all(".batch:not(.later)")) {
      const left = batch.querySelectorAll(".finding:not([hidden])").length;
      batch.style.containIntrinsicHeight = filtered ? `${2.9 * left}rem` : "";
      batch.hidden = !left;
    }
    for (const list of all(".list")) {
      const left = list.querySelector(".finding:not([hidden]), .later:not([hidden])");
      list.classList.toggle("empty", !left);
      if (list.closest(".group")) list.closest(".group").open = Boolean(filtered && left);
    }
    for (const part of all(".part[data-node]")) part.hidden = Boolean(state.node) && !has(part, state.node);
    form.elements.shown.value = filtered ? `${shown} of ${number} findings` : `${number} findings`;
  };
  const clear = (state) => Object.assign(state, { node: "", verdict: "", text: "" });
  const show = (state) => {
    if (!state.at) return;
    const waits = (later) => source(later).includes(`<details class="finding" id="${escaped(state.at)}"`);
    if (!document.getElementById(state.at)) all(".batch.later").filter(waits).forEach(build);
    const target = document.getElementById(state.at);
    if (!target) return;
    if (target.hidden) {
      apply(clear(state));
      fill(state);
      write(state);
    }
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target.scrollIntoView();
    const focused = target.querySelector("summary, h2") || target;
    focused.focus({ preventScroll: true });
  };
  const fill = (state) => {
    for (const name of ["node", "verdict", "text"]) form.elements[name].value = state[name];
  };
  const restore = () => {
    const state = read();
    // A page without findings has no filters.
    if (form) {
      fill(state);
      apply(state);
    }
    show(state);
  };

  let waiting = 0;
  const filter = () => {
    const state = read();
    for (const name of ["node", "verdict", "text"]) state[name] = form.elements[name].value;
    write(state);
    apply(state);
  };
  form?.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  form?.addEventListener("submit", (event) => event.preventDefault());
  form?.addEventListener("reset", () => setTimeout(filter));
  addEventListener("hashchange", restore);
  // The browser's own search looks at what is built.
  addEventListener("keydown", (event) => {
    if (event.key === "F3" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f")) buildAll();
  });

  // Commands get a button that copies them, in a finding once it is opened.
  const equip = (part) => {
    for (const command of part.querySelectorAll(".command")) {
      if (command.previousElementSibling?.matches(".copy")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      command.before(button);
    }
  };
  for (const part of all(".cautions, .part")) equip(part);
  document.addEventListener("toggle", (event) => {
    if (event.target.matches(".finding[open]")) equip(event.target);
  }, true);

  const copy = async (button) => {
    const code = button.nextElementSibling;
    let done = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // Without a secure context there is no clipboard, and the text is selected instead.
      getSelection().selectAllChildren(code);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".copy");
    if (button) copy(button);
    const link = event.target.closest("a[href^='#']");
    if (!link) return;
    event.preventDefault();
    const state = { ...read(), at: link.getAttribute("href").slice(1) };
    history.pushState(null, "", address(state));
    show(state);
  });

  // What is closed is not printed: all rows are, and of what asks for something the evidence, unless that is very much.
  const MOST = 300;
  let opened = [];
  addEventListener("beforeprint", () => {
    buildAll();
    opened = all(".group:not([open])");
    const asking = all(".finding:not([open])").filter((one) => !one.closest(".group"));
    if (asking.length <= MOST) opened.push(...asking);
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });

  restore();
})();
