/** An expected refusal to start: its message is one sentence for the person at the console, without a stack. */
export class StartError extends Error {
  override name = "StartError";
}
