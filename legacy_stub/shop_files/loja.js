// What makes the pages livelier; each of them is whole without.
//
// Pictures are ordered and listed at /images, as any program does it. So it does not matter here who
// makes them, and pictures that others made stand beside those that came with the page.
"use strict";

(() => {
  const IMAGES = "/images";
  const ASK_AGAIN_MS = [1000, 1500, 2500, 4000, 6000, 10000, 15000, 20000]; // then it is called slow
  const WATCHED = 5; // pictures asked for again and again; older ones have been forgotten by all
  const SAID = { pronta: "Sua imagem está pronta.", pendente: "Sua imagem está a caminho." };
  const SORRY = "Não conseguimos pintar esta imagem agora. Tente outra vez daqui a pouco.";

  const one = (selector, within = document) => within.querySelector(selector);
  const each = (selector, within = document) => [...within.querySelectorAll(selector)];
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  function make(name, properties = {}, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  }

  // What a list holds, or an order came to; whoever made it, it is looked at first.
  function isPicture(value) {
    return (
      value !== null &&
      typeof value === "object" &&
      Number.isSafeInteger(value.id) &&
      value.id > 0 &&
      typeof value.prompt === "string" &&
      typeof value.status === "string" &&
      /^\d{1,5}x\d{1,5}$/.test(value.size)
    );
  }

  async function ask(path, options = {}) {
    const answer = await fetch(path, { headers: { Accept: "application/json" }, ...options });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }

  async function pictures() {
    const list = await ask(IMAGES);
    if (!Array.isArray(list)) throw new Error(`${IMAGES}: no list`);
    return list.filter(isPicture).sort((a, b) => b.id - a.id);
  }

  // Pictures on a page

  const fileOf = (picture) => `${IMAGES}/${picture.id}/file`;
  const none = (text, kind = "") =>
    make("div", { className: `none ${kind}`.trim() }, make("span", { textContent: text }));

  function image(picture, alt) {
    const [width, height] = picture.size.split("x");
    const made = make("img", { alt, decoding: "async" });
    made.width = Number(width);
    made.height = Number(height);
    made.src = fileOf(picture);
    return made;
  }

  function altOf(prompt) {
    const line = prompt.trim().replace(/\s+/g, " ");
    return line.length <= 200 ? line : `${line.slice(0, 199)}…`;
  }

  function frameOf(picture) {
    if (picture.status === "pronta") {
      const link = make("a", { className: "frame", href: fileOf(picture) });
      link.append(image(picture, altOf(picture.prompt)));
      return link;
    }
    const waits = picture.status === "pendente";
    const text = picture.text ?? (waits ? "A caminho…" : "Esta imagem não ficou pronta");
    return make("div", { className: "frame" }, none(text, waits ? "pending" : "failed"));
  }

  function itemOf(picture) {
    const caption = make("figcaption", {}, make("bdi", { textContent: picture.prompt }));
    const item = make("li", {}, make("figure", {}, frameOf(picture), caption));
    item.dataset.picture = picture.id ?? "";
    item.dataset.status = picture.status;
    return item;
  }

  // A file that is no picture (any more) leaves a sentence, not a broken frame.
  function onError(event) {
    const broken = event.target;
    const frame = broken instanceof HTMLImageElement ? broken.closest(".frame") : null;
    const text = none("Imagem indisponível", "failed");
    frame?.replaceWith(make("div", { className: "frame" }, text)); // it may have been a link
  }
  document.addEventListener("error", onError, true);

  // A product's page

  function productPage(page) {
    const productId = Number(page.dataset.product);
    if (!Number.isSafeInteger(productId)) return; // the form will do: it sends no number
    const shown = Number(page.dataset.shown);
    const gallery = one("[data-gallery]", page);
    const form = one("[data-order]", page);
    const [status, problem] = [one("[data-status]", form), one("[data-problem]", form)];
    const [button, prompt] = [one("button", form), form.elements.prompt];
    const ids = new Set(each("[data-picture]", gallery).map((item) => Number(item.dataset.picture)));
    const watched = new Set();
    let total = Number(one("[data-total]", page).textContent);

    const itemWith = (id) => one(`[data-picture="${id}"]`, gallery);

    function tell() {
      one("[data-empty]", page).hidden = gallery.childElementCount > 0;
      one("[data-total]", page).hidden = total === 0;
      one("[data-total]", page).textContent = total;
    }

    // The largest id stands first, behind what has none yet.
    function place(picture) {
      const item = itemOf(picture);
      const old = itemWith(picture.id);
      if (old !== null) {
        if (old.dataset.status !== picture.status) old.replaceWith(item);
      } else if (!ids.has(picture.id)) {
        const later = each("[data-picture]", gallery).find(
          (other) => other.dataset.picture !== "" && Number(other.dataset.picture) < picture.id,
        );
        gallery.insertBefore(item, later ?? null);
        ids.add(picture.id);
        total += 1;
      }
      tell();
    }

    async function watch(id) {
      if (watched.has(id)) return;
      watched.add(id);
      for (const ms of ASK_AGAIN_MS) {
        await pause(ms);
        const picture = await ask(`${IMAGES}/${id}`).catch(() => null);
        if (isPicture(picture) && picture.status !== "pendente") return place(picture);
        if (picture !== null && picture.error) return itemWith(id)?.remove();
      }
      const text = one(".none span", itemWith(id) ?? page);
      if (text !== null) text.textContent = "Está demorando mais do que o normal";
    }

    function watchPending() {
      const waiting = each('[data-status="pendente"]', gallery).filter((i) => i.dataset.picture);
      waiting.slice(0, WATCHED).forEach((item) => watch(Number(item.dataset.picture)));
    }

    async function complete() {
      try {
        const own = (await pictures()).filter((picture) => picture.product_id === productId);
        own.slice(0, shown).forEach(place);
        total = Math.max(own.length, ids.size);
        tell();
        one("[data-partial]", page).hidden = true;
      } catch {
        one("[data-partial]", page).hidden = false;
      }
      watchPending();
    }

    function complain(text) {
      problem.textContent = text;
      problem.hidden = text === "";
      if (text !== "") prompt.focus();
    }

    // What to say of an order: of its picture, or of what went wrong.
    async function order(wanted) {
      const options = {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(wanted),
      };
      const waiting = itemOf({ ...wanted, status: "pendente", text: "Pintando…" });
      gallery.prepend(waiting);
      tell();
      waiting.scrollIntoView({ block: "nearest", behavior: "smooth" });
      try {
        // Never sent twice: what no answer came to may have been made all the same.
        const made = await ask(IMAGES, options);
        waiting.remove();
        if (!isPicture(made)) return { wrong: made?.error ?? SORRY };
        place(made);
        watchPending();
        return made.status in SAID ? { said: SAID[made.status] } : { wrong: SORRY };
      } catch {
        waiting.remove();
        complete();
        return { wrong: SORRY };
      } finally {
        tell();
      }
    }

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      const wanted = {
        prompt: prompt.value.trim(),
        size: form.elements.size.value,
        product_id: productId,
      };
      if (wanted.prompt === "") return complain("Descreva o que a imagem deve mostrar.");
      complain("");
      button.disabled = true;
      status.textContent = "Pintando a sua imagem…";
      const { said = "", wrong = "" } = await order(wanted);
      button.disabled = false;
      status.textContent = said;
      if (wrong === "") prompt.value = "";
      complain(wrong);
    });

    complete();
  }

  // The list of products

  function countText(ready, pending) {
    const words = [];
    if (ready > 0) words.push(`${ready} ${ready === 1 ? "imagem" : "imagens"}`);
    if (pending > 0) words.push(`${pending} a caminho`);
    return words.join(" · ") || "Peça a primeira imagem";
  }

  async function productList(list) {
    const all = await pictures().catch(() => null);
    if (all === null) return; // what came with the page stands
    for (const card of each("[data-product]", list)) {
      const own = all.filter((picture) => picture.product_id === Number(card.dataset.product));
      const ready = own.filter((picture) => picture.status === "pronta");
      const pending = own.filter((picture) => picture.status === "pendente");
      one("[data-count]", card).textContent = countText(ready.length, pending.length);
      const cover = one("[data-cover]", card);
      if (ready.length > 0 && cover?.dataset.cover !== String(ready[0].id)) {
        const newer = image(ready[0], "");
        newer.loading = "lazy";
        newer.dataset.cover = ready[0].id;
        one(".frame", card).replaceChildren(newer);
      } else if (ready.length === 0 && pending.length > 0) {
        one(".frame", card).replaceChildren(none("A caminho…", "pending"));
      }
    }
  }

  function start() {
    each(".frame img").forEach((img) => {
      if (img.complete && img.currentSrc && img.naturalWidth === 0) onError({ target: img });
    });
    each(".product[data-product]").forEach(productPage);
    each("[data-cards]").forEach(productList);
  }

  start();
  // Come back to by the Back button, a page is as it was left: old.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
})();
