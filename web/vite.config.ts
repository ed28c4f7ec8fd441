import { defineConfig } from "vite";

// There is no development server: `npm run watch` builds on every change and a running POMS serves it, with the
// headers that count. (Nor do Monaco's workers survive Vite's dependency optimizer.)
export default defineConfig({
  base: "/",
  worker: { format: "es" },
  build: {
    target: "es2022",
    // Every file of ours gets an address: the content policy allows data: for fonts and images only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
    chunkSizeWarningLimit: 5000,
    rolldownOptions: {
      input: ["index.html", "playground.html"],
      // Libraries made for React's server components say "use client" in every file, which means nothing here.
      checks: { moduleLevelDirective: false },
    },
  },
});
