/** A gate that is open or closed, and that one can wait at. */
export class Gate {
  #isOpen = false;
  readonly #waiting = new Set<() => void>();

  open(): void {
    this.#isOpen = true;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  shut(): void {
    this.#isOpen = false;
  }

  /** Waits until the gate is open, or until ended. */
  async passed(ended: AbortSignal): Promise<void> {
    if (this.#isOpen || ended.aborted) return;
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      ended.addEventListener(
        "abort",
        () => {
          this.#waiting.delete(resolve);
          resolve();
        },
        { once: true },
      );
    });
  }
}
