/** Recorded data that cannot be used; the message names the file and, where there is one, the line. */
export class DataFileError extends Error {
  override readonly name = "DataFileError";
}
