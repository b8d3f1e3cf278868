/** Entry of the page. */
import { App } from './app.ts';
import { pageApi } from './page-api.ts';

const app = new App();
window.coracle = pageApi(app);
await app.open();
