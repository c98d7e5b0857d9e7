// Goes into <head> before Gradio's own scripts, which read the language while they load.
{
  const chosen = /(?:^|; )cartoonbot-language=(en|zh-CN)(?:;|$)/.exec(document.cookie)?.[1];
  const language = chosen ?? (/^zh\b/i.test(navigator.language) ? "zh-CN" : "en");
  Object.defineProperty(navigator, "language", { get: () => language });
  document.documentElement.lang = language;

  // Gradio writes some labels beside what they are of, where only those who see them know that.
  const nameless = ":is(textarea, fieldset):not([aria-label]), .block img[alt=''], [aria-label='common.upload']";
  const nameFields = () => {
    for (const element of document.querySelectorAll(nameless)) {
      const label = element.closest(".block")?.querySelector("[data-testid='block-info'], [data-testid='block-label']");
      const name = label?.textContent.trim();
      if (name) element.setAttribute(element.matches("img") ? "alt" : "aria-label", name);
    }
  };

  // Gradio would refuse other files that are dropped, in English; phones offer photos and camera for these.
  const askForPictures = () => {
    for (const input of document.querySelectorAll("input[type=file]")) {
      if (!input.accept) input.accept = "image/*,.heic,.heif,.avif";
    }
  };

  // What is said is in the language that the person has set; labels follow, from the next time that they are read.
  let isLeaving = false;
  const followLanguage = () => {
    const said = [...document.querySelectorAll("[class^='cb-'][lang]")].find((each) => each.lang !== language)?.lang;
    if (!said || isLeaving) return;
    document.cookie = `cartoonbot-language=${said}; path=/; max-age=31536000; samesite=lax`;
    isLeaving = document.cookie.includes(`cartoonbot-language=${said}`);
    if (isLeaving) location.reload();
  };

  // Gradio reads the page again when a connection was lost: on the same tab, please.
  const tabs = () => [...document.querySelectorAll("[role=tab]")];
  let tab = sessionStorage.getItem("cartoonbot-tab");
  const reopenTab = () => {
    const wanted = tab && tabs()[Number(tab)];
    if (!wanted) return;
    tab = null;
    wanted.click();
  };
  addEventListener("click", ({ target }) => {
    const chosen = target.closest?.("[role=tab]");
    if (chosen) sessionStorage.setItem("cartoonbot-tab", tabs().indexOf(chosen));
  });

  new MutationObserver(() => {
    nameFields();
    askForPictures();
    followLanguage();
    reopenTab();
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["lang"] });
}

/** What gr.HTML calls when it is there: js_on_load="listen(element, trigger)".
 *
 * Gradio changes the HTML node by node, by position. When nodes come or go before it, the focused button becomes
 * another one: the focus goes back to the one it was on. The chat stays at its end unless the person scrolled up.
 */
function listen(element, trigger) {
  const actions = () => [...element.querySelectorAll("[data-action]")];
  const nameOf = (button) => `${button.dataset.message} ${button.dataset.action}`;
  const lastSaid = () => [...element.querySelectorAll(".cb-own")].at(-1)?.id;
  let focused = null;
  let isAtEnd = true;
  let said = lastSaid();

  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button) trigger("click", { action: button.dataset.action, message: button.dataset.message });
  });

  // While it was out of sight, something may have come that nobody waited for.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) trigger("focus");
  });

  const noteFocus = (event) => {
    const button = element.contains(event.target) && event.target.closest("[data-action]");
    focused = button ? { name: nameOf(button), message: button.dataset.message } : null;
  };
  document.addEventListener("focusin", noteFocus);
  document.addEventListener("pointerdown", noteFocus);

  const restoreFocus = () => {
    const present = document.activeElement;
    if (!focused || (element.contains(present) && present.dataset.action && nameOf(present) === focused.name)) return;
    const button =
      actions().find((each) => nameOf(each) === focused.name) ??
      actions().find((each) => each.dataset.message === focused.message) ??
      element.querySelector("[tabindex]");
    button?.focus({ preventScroll: true });
  };

  const stayAtEnd = () => {
    const log = element.querySelector(".cb-chat");
    if (log && isAtEnd) log.scrollTop = log.scrollHeight;
  };
  element.addEventListener("scroll", ({ target }) => {
    isAtEnd = target.scrollHeight - target.scrollTop - target.clientHeight < 64;
  }, true);
  element.addEventListener("load", stayAtEnd, true);
  new ResizeObserver(stayAtEnd).observe(element);

  new MutationObserver(() => {
    restoreFocus();
    // What the person just said is always worth seeing.
    if (lastSaid() !== said) isAtEnd = true;
    said = lastSaid();
    stayAtEnd();
  }).observe(element, { childList: true, subtree: true, characterData: true, attributes: true });
  stayAtEnd();
}
