import { StartError } from "../../start-error.ts";

/** Recorded data that cannot be used; the message names the file and, where there is one, the line. */
export class DataFileError extends StartError {
  override readonly name = "DataFileError";
}
