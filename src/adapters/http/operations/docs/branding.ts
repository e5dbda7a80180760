/** Two rings that interlock, in a square of 40 units. */
const RINGS =
  '<g fill="none" stroke-width="4"><circle cx="15" cy="20" r="9" stroke="#8ab8ff"/><circle cx="25" cy="20" r="9" stroke="#ffffff"/>' +
  '<path d="M20 12.5a9 9 0 0 1 4 7.5" stroke="#8ab8ff"/></g>';

/** The mark of the project for a dark background: the rings and the name. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 150 40" width="150" height="40">${RINGS}<text x="44" y="27" font-family="system-ui, sans-serif" font-size="22" font-weight="600" fill="#ffffff">Kinship</text></svg>`;

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" rx="8" fill="#14181d"/>${RINGS}</svg>`;

/** Swagger UI adds the image of the logo without an alternative text. Screen readers need that text. */
const NAME_LOGO = `new MutationObserver((changes, observer) => {
  const image = document.querySelector('.topbar a > img:not([alt])');
  if (image === null) return;
  image.alt = 'Kinship';
  observer.disconnect();
}).observe(document.getElementById('swagger-ui'), { childList: true, subtree: true });
`;

/** The mark and the title of the documentation pages, instead of those of Swagger UI. */
export const branding = {
  logo: { type: 'image/svg+xml', content: LOGO },
  theme: {
    title: 'Kinship API',
    favicon: [{ filename: 'icon.svg', rel: 'icon', sizes: 'any', type: 'image/svg+xml', content: ICON }],
    js: [{ filename: 'name-logo.js', content: NAME_LOGO }],
  },
};
