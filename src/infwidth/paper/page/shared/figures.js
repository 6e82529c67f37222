  // ---------------------------------------------------------------- enlarged figures
  const dialog = document.getElementById("enlarged");
  for (const button of document.querySelectorAll(".zoom")) {
    button.addEventListener("click", () => {
      const [shown, image] = [dialog.querySelector("img"), button.querySelector("img")];
      shown.src = image.src;
      shown.alt = image.alt;
      dialog.showModal();
    });
  }
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.querySelector(".scroll").addEventListener("click", () => dialog.close());

  // ---------------------------------------------------------------- paper has everything laid out
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
