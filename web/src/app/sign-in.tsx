import { type FormEvent, useState } from "react";
import { sessionFarewell, signIn } from "../lib/session.ts";

/** The door. */
export function SignIn() {
  const [error, setError] = useState(sessionFarewell);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(await signIn(String(form.get("email")), String(form.get("password"))));
    setBusy(false);
  };
  return (
    <main className="alone">
      <h1>Zoe</h1>
      <p className="note">
        Sign in to watch and command the trading engine. On your own machine, “npm run status” prints the accounts.
      </p>
      <form onSubmit={(event) => void submit(event)}>
        <label className="field">
          E-mail
          <input name="email" type="email" autoComplete="username" required />
        </label>
        <label className="field">
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {error && (
          <p className="error" role="alert">
            {error}
          </p>
        )}
        <button type="submit" className="primary" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
