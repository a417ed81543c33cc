// The desk by keyboard. Everything here can also be done with the buttons and links; nothing here is needed to work.
// Keys are read by their place on the keyboard (event.code), so that they work under Russian and Kazakh layouts too.
"use strict";
(function () {
  const one = (selector, within) => (within || document).querySelector(selector);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const entries = () => all(".entry:not(.sending)");
  const status = (words) => { const line = one("#status"); if (line) line.textContent = words; };
  let awaiting = null; // the open list of reasons that the next digit answers
  let postponed = null; // what leaves the page waits until every decision has arrived

  function here() {
    return one(".entry.here:not(.sending)") || one(".entry:not(.sending):focus-within");
  }
  function leave(act) {
    if (one(".sending")) postponed = act; else act();
  }
  function arrived() {
    if (one(".sending") || !postponed) return Boolean(postponed);
    const act = postponed;
    postponed = null;
    act();
    return true;
  }
  // The entry after a line of the list, the first of all where none is below it.
  function below(line) {
    const list = all(".entry, .done");
    return list.slice(list.indexOf(line) + 1).find((other) => other.matches(".entry:not(.sending)")) || entries()[0];
  }
  function go(entry, scroll = true) {
    if (!entry) return;
    all(".entry.here").forEach((other) => other.classList.remove("here"));
    entry.classList.add("here");
    entry.focus({ preventScroll: true });
    if (scroll) entry.scrollIntoView({ block: "nearest" });
  }
  function step(by) {
    const list = entries();
    if (!list.length) return;
    const at = list.indexOf(here());
    if (at < 0) return go(list[by > 0 ? 0 : list.length - 1]);
    if (by > 0 && at === list.length - 1) {
      const more = one("a[rel=next]");
      if (more) return leave(() => more.click());
    }
    go(list[Math.max(0, Math.min(list.length - 1, at + by))]);
  }
  function picked() {
    return all(".pick input:checked");
  }
  function showPicked() {
    const bulk = one("#bulk");
    if (!bulk) return;
    const n = picked().length;
    bulk.hidden = n === 0;
    one("#picked").textContent = String(n); // without this script it stays empty, for nobody counts
  }
  // The form that a decision goes through: the selection's if anything is selected, else this entry's, else the page's.
  function desk() {
    if (picked().length) return one("#bulk");
    const entry = here();
    return (entry && one(".doing", entry)) || one("#decide");
  }
  function press(place, decision) {
    const button = place && one('button[value="' + decision + '"]', place);
    if (button) button.click();
    return Boolean(button);
  }
  function askReason() {
    const place = desk();
    const list = place && one("details.why", place);
    if (!list) return;
    list.open = true;
    awaiting = list;
    one("button", list).focus();
  }
  function answer(digit) {
    const button = awaiting && one('button[data-key="' + digit + '"]', awaiting);
    awaiting = null;
    if (button) button.click();
    return Boolean(button);
  }
  const actions = {
    KeyJ: () => step(1), ArrowDown: () => step(1), KeyK: () => step(-1), ArrowUp: () => step(-1),
    KeyR: () => press(desk(), "relevant"), KeyU: () => press(desk(), "unsure"), KeyN: askReason,
    KeyZ: () => { const form = one("#undo"); if (form) leave(() => form.requestSubmit()); },
    KeyX: () => { const box = here() && one(".pick input", here()); if (box) { box.checked = !box.checked; showPicked(); } },
    KeyO: open, Enter: open,
    KeyV: () => { const link = one("a.original", here() || document); if (link) link.click(); },
    KeyM: () => { const note = one("#decide .note"); if (note) note.focus(); },
    KeyI: () => { const back = one("a.back"); if (back) back.click(); },
    KeyE: () => { const link = one("#exports"); if (link) { link.open = true; one("a", link).focus(); } },
    Slash: () => { const find = one("#find"); if (find) { find.focus(); find.select(); } },
  };
  function open() {
    const link = here() && one("h2 a", here());
    if (link) leave(() => link.click());
  }
  function help(show) {
    const box = one("#keys");
    if (!box) return;
    if (show && !box.open) box.showModal(); else if (box.open) box.close();
  }
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const target = event.target;
    const typing = target.closest("input:not([type=checkbox]), textarea, select");
    if (typing) {
      if (event.code === "Escape") target.blur();
      return;
    }
    if (one("dialog[open]")) return;
    if (event.key === "?" || event.code === "F1") { event.preventDefault(); return help(true); }
    if (awaiting) {
      const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
      if (digit && answer(digit[1])) return event.preventDefault();
      if (event.code === "Escape" || event.code === "KeyN") { awaiting.open = false; awaiting = null; return; }
      if (event.code === "Tab" || event.code === "Enter" || event.code === "Space") return;
      awaiting.open = false;
      awaiting = null;
    }
    // Enter, space and arrows on a link, button or list belong to the browser.
    if ((event.code === "Enter" || event.code === "Space") && target.closest("a, button, summary, input")) return;
    if ((event.code === "ArrowDown" || event.code === "ArrowUp") && !here()) return;
    if (event.shiftKey) return;
    const action = actions[event.code];
    if (action) { event.preventDefault(); action(); }
  });
  document.addEventListener("change", function (event) {
    if (event.target.closest(".pick")) showPicked();
    const form = event.target.closest("form[data-live]");
    if (form) form.requestSubmit();
  });
  document.addEventListener("click", function (event) {
    const shown = event.target.closest("[data-shows]");
    if (shown) help(true);
    const close = event.target.closest("[data-closes]");
    if (close) help(false);
  });
  // The bulk form carries the ids of what is ticked; without this script the boxes belong to it by their form attribute.
  document.addEventListener("focusin", function (event) {
    const entry = event.target.closest(".entry");
    if (entry && !entry.classList.contains("here")) {
      all(".entry.here").forEach((other) => other.classList.remove("here"));
      entry.classList.add("here");
    }
  });
  // A decision is on its way: the work goes on with the next entry at once, for on a poor line the answer takes its time. Decisions are
  // sent one after the other (hx-sync), so that the last one made is the last one written, and undone first.
  document.addEventListener("submit", function (event) {
    const entry = event.target.closest(".entry");
    if (!entry) return;
    const next = below(entry);
    entry.classList.add("sending");
    entry.classList.remove("here");
    entry.setAttribute("aria-busy", "true");
    if (next && next !== entry) go(next);
  });
  // The entry has become one line. When it was the last, the next page comes, or what is new.
  document.addEventListener("htmx:afterSwap", function (event) {
    const line = event.detail.elt;
    const said = line && line.querySelector && line.querySelector(".said");
    if (said) status(said.textContent);
    if (arrived() || here() || one(".sending")) return;
    const next = below(line);
    if (next) return go(next);
    const more = one("a[rel=next]");
    if (more) more.click(); else window.location.reload();
  });
  // It did not arrive: the entry is to be decided still, and says so.
  function failed(event, words) {
    const entry = event.detail.elt.closest(".entry");
    const line = one("#trouble");
    status(words);
    if (line) { line.hidden = false; line.textContent = words; line.scrollIntoView({ block: "nearest" }); }
    postponed = null;
    if (!entry) return;
    entry.classList.remove("sending");
    entry.removeAttribute("aria-busy");
    all("details.why[open]", entry).forEach((list) => { list.open = false; });
    go(entry);
  }
  // The session has ended: the decision is sent again as a page of its own, which keeps it through the login.
  function sendAsPage(event) {
    const asked = event.detail.requestConfig.triggeringEvent;
    const button = asked && asked.submitter;
    if (!button || !button.form) return false;
    const said = document.createElement("input");
    Object.assign(said, { type: "hidden", name: button.name, value: button.value });
    button.form.append(said);
    button.form.submit();
    return true;
  }
  document.addEventListener("htmx:responseError", function (event) {
    if (event.detail.xhr.status === 401 && sendAsPage(event)) return;
    failed(event, event.detail.xhr.responseText.slice(0, 500));
  });
  document.addEventListener("htmx:sendError", function (event) {
    failed(event, one("#trouble").dataset.silent);
  });
  document.addEventListener("DOMContentLoaded", function () {
    const wanted = window.location.hash && document.getElementById(window.location.hash.slice(1));
    if (wanted && wanted.classList.contains("entry")) go(wanted);
    else if (entries().length && !one("[autofocus]")) go(entries()[0], false);
    showPicked();
    // On a phone the queues are one line to be pushed aside; the one that is open is in sight.
    const queue = one(".queues [aria-current]");
    if (queue) queue.scrollIntoView({ block: "nearest", inline: "center" });
  });
})();
