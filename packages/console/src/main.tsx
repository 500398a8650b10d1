import './style/base.css';
import './style/parts.css';
import 'uplot/dist/uPlot.min.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { follow } from './live/feed.ts';

const place = document.getElementById('app');
if (place) {
  place.replaceChildren();
  render(<App />, place);
  follow();
}
