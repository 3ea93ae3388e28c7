import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { useSession } from "../lib/session.ts";
import { Dashboard } from "./dashboard.tsx";
import { SignIn } from "./sign-in.tsx";

const RETRY_FAILED_MS = 5_000;

/** Signed-in people only; a new session starts with empty queries. */
export function App() {
  const session = useSession();
  if (session === undefined) return <p className="alone loading">Loading…</p>;
  if (session === null) return <SignIn />;
  return <SignedIn key={session.user.id} email={session.user.email ?? "This account"} />;
}

function SignedIn({ email }: { email: string }) {
  const [queries] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          queries: {
            staleTime: Number.POSITIVE_INFINITY,
            retry: 1,
            retryDelay: 500,
            refetchOnWindowFocus: "always",
            refetchOnReconnect: "always",
            // What failed is asked again until it answers, whatever the socket does.
            refetchInterval: (query) => (query.state.status === "error" ? RETRY_FAILED_MS : false),
            networkMode: "always",
          },
        },
      }),
  );
  return (
    <QueryClientProvider client={queries}>
      <Dashboard email={email} />
    </QueryClientProvider>
  );
}
