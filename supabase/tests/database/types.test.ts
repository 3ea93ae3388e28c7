import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { testDatabase } from "../support/database.ts";
import { generateTypes, TYPES_FILE } from "../support/generate-types.ts";

it("shared/wire/database.types.ts is what the migrations make it; if not, run npm run types:generate", async () => {
  const db = await testDatabase();
  const generated = await generateTypes(db.url());
  await db.drop();
  expect(generated).toContain("submit_intent");
  expect(readFileSync(TYPES_FILE, "utf8")).toBe(generated);
});
