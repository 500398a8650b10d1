/**
 * Airlines, all invented: no name of a real one, so that no demo speaks of anybody's delays. A row's place in
 * this list is its `airline_id` (from 1). Codes are unique without regard to case, as the table's key demands.
 */
export interface Airline {
  readonly iata: string;
  /** At most 30 characters. */
  readonly name: string;
  /** IATA code of an airport in the list of airports. */
  readonly base: string;
}

export const airlines: readonly Airline[] = [
  { iata: 'PW', name: 'Paper Kite Airways', base: 'VIE' },
  { iata: 'MA', name: 'Marmalade Air', base: 'LHR' },
  { iata: 'SH', name: 'Slow Heron Airlines', base: 'AMS' },
  { iata: 'TC', name: 'Thistledown Connect', base: 'EDI' },
  { iata: 'CW', name: 'Cardboard Wings', base: 'FRA' },
  { iata: 'ZL', name: 'Nuzzle Air', base: 'ZRH' },
  { iata: 'PF', name: 'Puffin Parade', base: 'KEF' },
  { iata: 'WG', name: 'Wandering Goose Air', base: 'CPH' },
  { iata: 'LL', name: 'Lemon & Lark', base: 'FCO' },
  { iata: 'QD', name: 'Quiet Dandelion', base: 'CDG' },
  { iata: 'OM', name: 'Ottermoon Airways', base: 'OSL' },
  { iata: 'BN', name: 'Biscuit Navigator', base: 'MUC' },
  { iata: 'FV', name: 'Figment Voyages', base: 'MAD' },
  { iata: 'ZM', name: 'Zigzag Meridian', base: 'IST' },
  { iata: 'UP', name: 'Upside Downs Air', base: 'MEX' },
  { iata: 'GH', name: 'Gingham Horizons', base: 'ATL' },
  { iata: 'CR', name: 'Clockwork Robin', base: 'ORD' },
  { iata: 'BX', name: 'Tumblebee Air', base: 'DFW' },
  { iata: 'FN', name: 'Foghorn & Nightingale', base: 'SFO' },
  { iata: 'KX', name: 'Maple Kettle Airlines', base: 'YYZ' },
  { iata: 'JJ', name: 'Jigsaw Jetways', base: 'JFK' },
  { iata: 'DM', name: 'Dune Minnow Air', base: 'DXB' },
  { iata: 'RL', name: 'Rice Lantern Airlines', base: 'SIN' },
  { iata: 'IP', name: 'Inkpot Pacific', base: 'HND' },
  { iata: 'HP', name: 'Hopscotch Pampas', base: 'GRU' },
];
