/** A wait that somebody else can cut short. */
export class WakeUp {
  #resolve: (() => void) | undefined;
  #woken = false;

  /** Ends the wait of now, or the next one. */
  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  /** Waits the given milliseconds, until woken, or until ended. */
  async wait(milliseconds: number, ended: AbortSignal): Promise<void> {
    if (!this.#woken && !ended.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, milliseconds);
        this.#resolve = done;
        ended.addEventListener("abort", done, { once: true });
        function done(): void {
          clearTimeout(timer);
          ended.removeEventListener("abort", done);
          resolve();
        }
      });
    }
    this.#resolve = undefined;
    this.#woken = false;
  }
}
