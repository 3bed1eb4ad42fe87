// Shows the button that copies a token, where the browser can. Without this the
// token can be selected and copied by hand.
for (const button of document.querySelectorAll("[data-copy]")) {
  const from = document.getElementById(button.dataset.copy);
  from.addEventListener("focus", () => from.select());
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const said = document.getElementById("copied");
    try {
      await navigator.clipboard.writeText(from.value);
      said.textContent = "Copied to the clipboard.";
    } catch {
      from.select();
      said.textContent = "The browser does not allow it. Press Ctrl-C or ⌘-C to copy what is selected.";
    }
  });
}
