"use strict";
(() => {
  const root = document.documentElement;
  const form = document.querySelector(".filters");
  const findings = [...document.querySelectorAll(".finding")];
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
  const apply = (state) => {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const finding of findings) {
      const passes = (!state.node || has(finding, state.node))
        && (!state.verdict || finding.dataset.verdict === state.verdict)
        && words.every((word) => textOf(finding).includes(word));
      finding.hidden = !passes;
      shown += passes;
    }
    const filtered = state.node || state.verdict || words.length;
    // What is not in view takes the height of what the filters leave of it.
    for (const batch of document.querySelectorAll(".batch")) {
      const left = batch.querySelectorAll(".finding:not([hidden])").length;
      batch.style.containIntrinsicHeight = filtered ? `${2.9 * left}rem` : "";
      batch.hidden = !left;
    }
    for (const list of document.querySelectorAll(".list")) {
      const left = list.querySelector(".finding:not([hidden])");
      list.classList.toggle("empty", !left);
      if (list.closest(".group")) list.closest(".group").open = Boolean(filtered && left);
    }
    for (const part of document.querySelectorAll(".part[data-node]")) part.hidden = Boolean(state.node) && !has(part, state.node);
    form.elements.shown.value = filtered ? shown + " of " + findings.length + " findings" : findings.length + " findings";
  };
  const clear = (state) => Object.assign(state, { node: "", verdict: "", text: "" });
  const show = (state) => {
    const target = state.at && document.getElementById(state.at);
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
  for (const part of document.querySelectorAll(".cautions, .part")) equip(part);
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
    opened = [...document.querySelectorAll(".group:not([open])")];
    const asking = [...document.querySelectorAll(".finding:not([open])")].filter((one) => !one.closest(".group"));
    if (asking.length <= MOST) opened.push(...asking);
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });

  restore();
})();
