import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { DataFileError } from "./data-file-error.ts";

/** One line of a CSV file with its number, counted from 1 with the header as line 1. */
export interface CsvLine {
  readonly line: number;
  readonly cells: readonly string[];
}

/** A CSV file whose every line has as many columns as the header. */
export interface CsvTable {
  readonly file: string;
  readonly header: string;
  readonly lines: readonly CsvLine[];
}

/** Reads a CSV file whole, but for blank lines at its end; throws DataFileError when it is missing, empty, broken, or a line has the wrong number of columns. */
export async function readCsvTable(path: string): Promise<CsvTable> {
  const file = basename(path);
  const [head, ...lines] = parseLines(file, await readText(path));
  if (head === undefined) throw new DataFileError(`${path} is empty; a header line is needed`);
  for (const { line, cells } of lines) {
    if (cells.length !== head.cells.length) {
      throw new DataFileError(
        `${file} line ${line}: ${cells.length} columns where the header has ${head.cells.length}`,
      );
    }
  }
  return { file, header: head.cells.join(","), lines };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new DataFileError(
      `cannot read the data file ${path}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function parseLines(file: string, text: string): CsvLine[] {
  try {
    // Without quoting a record is always one line, so that its number is the line's.
    const records = parse(text, { bom: true, quote: null, relax_column_count: true });
    const last = records.findLastIndex((cells) => cells.some((cell) => cell.trim() !== ""));
    return records.slice(0, last + 1).map((cells, index) => ({ line: index + 1, cells }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new DataFileError(`${file} is not a CSV file: ${error.message}`);
  }
}
