"use strict";

// Without a secure context there is no clipboard; a click on the key selects it whole.
for (const button of document.querySelectorAll("[data-boltguard-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.boltguardCopy).textContent);
        button.textContent = button.dataset.boltguardCopied;
    });
}
