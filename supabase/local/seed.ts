import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import type { Credentials, Keys } from "./keys.ts";

/** Makes sure that the operator and the viewer exist with the passwords of the data folder. */
export async function seedPeople(sql: postgres.Sql, keys: Keys): Promise<void> {
  await seedPerson(sql, keys.operator, "operator");
  await seedPerson(sql, keys.viewer, "viewer");
}

async function seedPerson(sql: postgres.Sql, { email, password }: Credentials, role: string): Promise<void> {
  await sql.begin(async (transaction) => {
    const [existing] = await transaction`select id from auth.users where email = ${email}`;
    const id: string = existing?.id ?? randomUUID();
    if (!existing) {
      await transaction`
        insert into auth.users (id, email, encrypted_password, email_confirmed_at, raw_app_meta_data)
        values (${id}, ${email}, extensions.crypt(${password}, extensions.gen_salt('bf')), now(),
          '{"provider": "email", "providers": ["email"]}')`;
      await transaction`
        insert into auth.identities (id, provider, provider_id, user_id, identity_data)
        values (${randomUUID()}, 'email', ${id}, ${id}, ${transaction.json({ sub: id, email })})`;
    }
    await transaction`
      insert into public.operators (user_id, role, email) values (${id}, ${role}, ${email}) on conflict do nothing`;
  });
}

/** Tells the database where the functions are and which token its scheduler shows them, in Vault. */
export async function writeVaultSecrets(sql: postgres.Sql, secrets: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(secrets)) {
    const [existing] = await sql`select id from vault.secrets where name = ${name}`;
    if (existing) await sql`select vault.update_secret(${existing.id}::uuid, ${value})`;
    else await sql`select vault.create_secret(${value}, ${name})`;
  }
}
