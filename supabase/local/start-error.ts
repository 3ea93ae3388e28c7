/** An expected refusal to start: its message is one sentence for the person at the console, without a stack. */
export class StartError extends Error {
  override name: string = "StartError";
}

/** Returns the sentence for a command line that the parser refused, with what is allowed; any other error as it is. */
export function refusedArguments(error: unknown, usage: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!code?.startsWith("ERR_PARSE_ARGS")) return error;
  return new StartError(`${message.split(". To specify")[0]?.replace(/\.$/, "")}.\n\n${usage}`);
}
