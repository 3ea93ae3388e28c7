import { runSteps } from "./steps.ts";

/** The fast part of the checks, for while one works: types, lint and the unit tests. */
const failed = await runSteps([
  { name: "types", command: ["npm", "run", "--silent", "types"] },
  { name: "lint", command: ["npm", "run", "--silent", "lint"] },
  { name: "unit", command: ["npx", "vitest", "run", "--project", "unit"] },
]);
process.exit(failed ? 1 : 0);
