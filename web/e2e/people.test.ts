import { randomUUID } from "node:crypto";
import { createClient } from "@supabase/supabase-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import ws from "ws";
import { type Stage, setStage, signIn } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.stop());

describe("at the door", () => {
  it("a wrong password is answered with a sentence, the right one opens the page", async () => {
    const page = await stage.open();
    await signIn(page, stage.place.dashboardUrl, { ...stage.keys.operator, password: "not-the-password" });
    await page.getByRole("alert").getByText("This e-mail and password do not match.").waitFor();
    await page.getByLabel("Password").fill(stage.keys.operator.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("status", { name: "Trading state" }).getByText("active").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Zoe" }).waitFor();
    expect(await page.getByText("Your session has ended").count()).toBe(0);
    await page.context().close();
  });

  it("a stranger who has an account is told that nobody invited them, and reads nothing", async () => {
    const email = "stranger@example.test";
    const password = randomUUID();
    await addAccount(email, password);
    const page = await stage.open();
    await signIn(page, stage.place.dashboardUrl, { email, password });
    await page.getByRole("heading", { name: "Not invited" }).waitFor();
    await page.getByText(`${email} is signed in but is neither`).waitFor();
    expect(await page.getByText("Equity").count()).toBe(0);
    await page.context().close();
  });

  it("a session that can't be renewed leads back to the door with a sentence", async () => {
    const page = await stage.signedIn();
    await page.evaluate(() => {
      const key = Object.keys(localStorage).find((name) => name.endsWith("-auth-token")) ?? "";
      const session = JSON.parse(localStorage.getItem(key) ?? "{}");
      localStorage.setItem(key, JSON.stringify({ ...session, expires_at: 1, refresh_token: "gone" }));
    });
    await page.reload();
    await page.getByText("Your session has ended. Sign in again.").waitFor();
    await page.context().close();
  });

  it("a session that the API stops accepting leads there too, without a reload", async () => {
    const page = await stage.signedIn();
    await page.route("**/auth/v1/token*", (route) =>
      route.fulfill({ status: 400, json: { code: "refresh_token_not_found", message: "Invalid Refresh Token" } }),
    );
    await page.route("**/rest/v1/rpc/*", (route) =>
      route.fulfill({ status: 401, json: { code: "PGRST301", message: "JWT expired" } }),
    );
    await stage.sql`update public.config set value = '3' where key = 'MAX_REPRICE_ATTEMPTS'`;
    await page.getByText("Your session has ended. Sign in again.").waitFor();
    await page.context().close();
  });
});

describe("a viewer", () => {
  it("sees everything and no button that commands", async () => {
    const page = await stage.signedIn(stage.keys.viewer);
    for (const panel of ["Positions", "Open orders", "Closed orders", "Equity", "Latest scan", "Fills"])
      await page.getByRole("heading", { name: panel, exact: true }).waitFor();
    expect(await page.getByRole("button", { name: /Kill switch|Re-arm/ }).count()).toBe(0);
    await page.getByRole("link", { name: "Log" }).click();
    await page.getByRole("heading", { name: "Health" }).waitFor();
    expect(await page.getByRole("button", { name: /^Run / }).count()).toBe(0);
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByLabel("MAX_NOTIONAL_PER_TRADE").waitFor();
    expect(await page.getByLabel("MAX_NOTIONAL_PER_TRADE").isDisabled()).toBe(true);
    expect(await page.getByRole("button", { name: /Save|safe mode|Record|Adopt|Set the fees/ }).count()).toBe(0);
    await page.context().close();
  });

  it("is refused by the database when it calls a command all the same", async () => {
    const client = createClient(stage.place.apiUrl, stage.keys.publishable, {
      auth: { persistSession: false },
      realtime: { transport: ws as never },
    });
    await client.auth.signInWithPassword(stage.keys.viewer);
    const commands = {
      set_kill_switch: { on_: true, reason: "a viewer" },
      set_config: { key: "MAX_DAILY_NOTIONAL", value: "1000" },
      set_safe_mode: { on_: true, minutes: 5 },
      run_now: { name: "trader-tick" },
      set_account_fees: { mode: "live", maker_bps: "0", taker_bps: "0", reason: "a viewer" },
      request_cancel: { order_id: randomUUID(), reason: "a viewer" },
    };
    for (const [name, args] of Object.entries(commands)) {
      const { error, status } = await client.rpc(name, args);
      expect({ name, status, code: error?.code }).toEqual({ name, status: 403, code: "PT403" });
    }
    const [knob] = await stage.sql`select value from public.config where key = 'kill_switch'`;
    expect(knob).toEqual({ value: "false" });
  });
});

async function addAccount(email: string, password: string) {
  const id = randomUUID();
  await stage.sql`
    insert into auth.users (id, email, encrypted_password, email_confirmed_at, raw_app_meta_data)
    values (${id}, ${email}, extensions.crypt(${password}, extensions.gen_salt('bf')), now(), '{"provider": "email"}')`;
  await stage.sql`
    insert into auth.identities (id, provider, provider_id, user_id, identity_data)
    values (${randomUUID()}, 'email', ${id}, ${id}, ${stage.sql.json({ sub: id, email })})`;
}
