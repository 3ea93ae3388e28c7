// The embedded platform serves its own /config.js; on Netlify the build's VITE_ variables count and this stays empty.
window.__ZOE__ = {};
