"use strict";

// The buttons that need this script are hidden without it.
document.addEventListener("DOMContentLoaded", () => {
    for (const presets of document.querySelectorAll(".boltguard-presets")) presets.hidden = false;
    // Without a secure context there is no clipboard; a click on the key selects it whole.
    for (const button of document.querySelectorAll("[data-boltguard-copy]")) button.hidden = !navigator.clipboard;
});

document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-boltguard-copy], [data-boltguard-date]");
    if (!button) return;
    if ("boltguardDate" in button.dataset) return fillIn(button);
    const key = document.getElementById(button.dataset.boltguardCopy);
    try {
        await navigator.clipboard.writeText(key.textContent);
        button.textContent = button.dataset.boltguardCopied;
    } catch {
        // The browser doesn't permit it, so the user presses its keys for copying.
        getSelection().selectAllChildren(key);
    }
});

function fillIn(button) {
    const [date, time] = button.closest(".boltguard-expiry").querySelectorAll("input");
    date.value = button.dataset.boltguardDate;
    time.value = button.dataset.boltguardTime;
}
