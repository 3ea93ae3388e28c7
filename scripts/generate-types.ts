import { writeFileSync } from "node:fs";
import { generateTypes, TYPES_FILE } from "../supabase/tests/support/generate-types.ts";
import { startTestCluster } from "../supabase/tests/support/test-cluster.ts";
import { createTestDatabase } from "../supabase/tests/support/test-database.ts";

/** Writes shared/wire/database.types.ts from the migrations, by way of a database that is thrown away. */
const { address, stop } = await startTestCluster();
try {
  const db = await createTestDatabase(address);
  writeFileSync(TYPES_FILE, await generateTypes(db.url()));
  await db.drop();
  console.log("shared/wire/database.types.ts says what the migrations say.");
} finally {
  await stop();
}
