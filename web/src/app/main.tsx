import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { Failure } from "./failure.tsx";
import "../ui/styles/base.css";
import "../ui/styles/header.css";
import "../ui/styles/layout.css";
import "../ui/styles/table.css";
import "../ui/styles/alerts.css";
import "../ui/styles/dialog.css";
import "../ui/styles/narrow.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with the id root.");
createRoot(root).render(
  <Failure>
    <App />
  </Failure>,
);
