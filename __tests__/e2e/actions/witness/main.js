// Everything is done in post.js.
