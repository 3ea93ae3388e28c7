import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSteps, type Step } from "./steps.ts";

/** Everything that is checked before a change lands. Ends with one line: N passed, N failed. */
const results = mkdtempSync(join(tmpdir(), "zoe-test-"));
const PROJECTS = ["unit", "database", "platform", "browser"] as const;
/** By default a core is left to the watcher, which a run has not: half of a small machine. */
const EVERY_CORE = "--maxWorkers=100%";

const vitest = (project: string): Step => ({
  name: project,
  command: [
    "npx",
    "vitest",
    "run",
    "--project",
    project,
    EVERY_CORE,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${join(results, `${project}.json`)}`,
  ],
});

const failed = await runSteps([
  { name: "types", command: ["npm", "run", "--silent", "types"] },
  { name: "functions' types", command: ["npm", "run", "--silent", "types:functions"] },
  { name: "lint", command: ["npm", "run", "--silent", "lint"] },
  { name: "build", command: ["npm", "run", "--silent", "build"] },
  ...PROJECTS.map(vitest),
  { name: "simulation", command: ["npm", "run", "--silent", "simulate", "--", "--seeds", "200"] },
]);

const counts = { passed: 0, failed: 0, skipped: 0 };
for (const project of PROJECTS) addCounts(join(results, `${project}.json`));
rmSync(results, { recursive: true });
if (failed) console.log(`\nThe step "${failed}" failed.`);
console.log(
  `\n${counts.passed} passed, ${counts.failed + (failed && counts.failed === 0 ? 1 : 0)} failed, ${counts.skipped} skipped`,
);
process.exit(failed ? 1 : 0);

function addCounts(file: string) {
  try {
    const report: unknown = JSON.parse(readFileSync(file, "utf8"));
    const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = report as Record<string, number>;
    counts.passed += numPassedTests;
    counts.failed += numFailedTests;
    counts.skipped += numPendingTests;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
