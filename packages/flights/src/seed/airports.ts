/**
 * Real airports with their IATA and ICAO codes and their positions. A row's place in this list is its
 * `airport_id` (from 1), and the positions give the flights' durations: rows may be added at the end only with
 * the knowledge that every seeded data set changes with them (the pinned hash in flight-plan.test.ts tells).
 */
export interface Airport {
  readonly iata: string;
  readonly icao: string;
  /** At most 50 characters. */
  readonly name: string;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
}

type AirportRow = readonly [
  iata: string,
  icao: string,
  name: string,
  latitudeDeg: number,
  longitudeDeg: number,
];

const rows: readonly AirportRow[] = [
  ['ATL', 'KATL', 'Hartsfield-Jackson Atlanta International Airport', 33.64, -84.43],
  ['PEK', 'ZBAA', 'Beijing Capital International Airport', 40.08, 116.58],
  ['LHR', 'EGLL', 'London Heathrow Airport', 51.47, -0.45],
  ['ORD', 'KORD', "Chicago O'Hare International Airport", 41.98, -87.9],
  ['HND', 'RJTT', 'Tokyo Haneda Airport', 35.55, 139.78],
  ['LAX', 'KLAX', 'Los Angeles International Airport', 33.94, -118.41],
  ['CDG', 'LFPG', 'Paris Charles de Gaulle Airport', 49.01, 2.55],
  ['DFW', 'KDFW', 'Dallas Fort Worth International Airport', 32.9, -97.04],
  ['FRA', 'EDDF', 'Frankfurt Airport', 50.03, 8.57],
  ['HKG', 'VHHH', 'Hong Kong International Airport', 22.31, 113.91],
  ['DEN', 'KDEN', 'Denver International Airport', 39.86, -104.67],
  ['DXB', 'OMDB', 'Dubai International Airport', 25.25, 55.36],
  ['AMS', 'EHAM', 'Amsterdam Airport Schiphol', 52.31, 4.76],
  ['MAD', 'LEMD', 'Adolfo Suárez Madrid-Barajas Airport', 40.47, -3.56],
  ['BKK', 'VTBS', 'Suvarnabhumi Airport', 13.69, 100.75],
  ['JFK', 'KJFK', 'John F. Kennedy International Airport', 40.64, -73.78],
  ['SIN', 'WSSS', 'Singapore Changi Airport', 1.36, 103.99],
  ['LAS', 'KLAS', 'Harry Reid International Airport', 36.08, -115.15],
  ['SFO', 'KSFO', 'San Francisco International Airport', 37.62, -122.38],
  ['PHX', 'KPHX', 'Phoenix Sky Harbor International Airport', 33.43, -112.01],
  ['IAH', 'KIAH', 'George Bush Intercontinental Airport', 29.98, -95.34],
  ['MIA', 'KMIA', 'Miami International Airport', 25.79, -80.29],
  ['MUC', 'EDDM', 'Munich Airport', 48.35, 11.79],
  ['FCO', 'LIRF', 'Rome Fiumicino Airport', 41.8, 12.25],
  ['IST', 'LTFM', 'Istanbul Airport', 41.26, 28.74],
  ['SYD', 'YSSY', 'Sydney Kingsford Smith Airport', -33.95, 151.18],
  ['YYZ', 'CYYZ', 'Toronto Pearson International Airport', 43.68, -79.63],
  ['ICN', 'RKSI', 'Incheon International Airport', 37.46, 126.44],
  ['DEL', 'VIDP', 'Indira Gandhi International Airport', 28.57, 77.1],
  ['BCN', 'LEBL', 'Barcelona-El Prat Airport', 41.3, 2.08],
  ['LGW', 'EGKK', 'London Gatwick Airport', 51.15, -0.19],
  ['ZRH', 'LSZH', 'Zurich Airport', 47.46, 8.55],
  ['VIE', 'LOWW', 'Vienna International Airport', 48.11, 16.57],
  ['CPH', 'EKCH', 'Copenhagen Airport', 55.62, 12.66],
  ['OSL', 'ENGM', 'Oslo Airport, Gardermoen', 60.19, 11.1],
  ['ARN', 'ESSA', 'Stockholm Arlanda Airport', 59.65, 17.92],
  ['HEL', 'EFHK', 'Helsinki Airport', 60.32, 24.96],
  ['DUB', 'EIDW', 'Dublin Airport', 53.42, -6.27],
  ['BRU', 'EBBR', 'Brussels Airport', 50.9, 4.48],
  ['LIS', 'LPPT', 'Lisbon Airport', 38.78, -9.14],
  ['ATH', 'LGAV', 'Athens International Airport', 37.94, 23.94],
  ['WAW', 'EPWA', 'Warsaw Chopin Airport', 52.17, 20.97],
  ['PRG', 'LKPR', 'Václav Havel Airport Prague', 50.1, 14.26],
  ['BUD', 'LHBP', 'Budapest Ferenc Liszt International Airport', 47.44, 19.26],
  ['MXP', 'LIMC', 'Milan Malpensa Airport', 45.63, 8.72],
  ['DUS', 'EDDL', 'Düsseldorf Airport', 51.29, 6.77],
  ['HAM', 'EDDH', 'Hamburg Airport', 53.63, 9.99],
  ['BER', 'EDDB', 'Berlin Brandenburg Airport', 52.36, 13.51],
  ['GVA', 'LSGG', 'Geneva Airport', 46.24, 6.11],
  ['NCE', 'LFMN', "Nice Côte d'Azur Airport", 43.66, 7.22],
  ['MAN', 'EGCC', 'Manchester Airport', 53.35, -2.28],
  ['EDI', 'EGPH', 'Edinburgh Airport', 55.95, -3.37],
  ['KEF', 'BIKF', 'Keflavik International Airport', 63.99, -22.61],
  ['CAI', 'HECA', 'Cairo International Airport', 30.12, 31.41],
  ['JNB', 'FAOR', 'O. R. Tambo International Airport', -26.14, 28.25],
  ['NBO', 'HKJK', 'Jomo Kenyatta International Airport', -1.32, 36.93],
  ['GRU', 'SBGR', 'São Paulo-Guarulhos International Airport', -23.43, -46.47],
  ['MEX', 'MMMX', 'Mexico City International Airport', 19.44, -99.07],
  ['SEA', 'KSEA', 'Seattle-Tacoma International Airport', 47.45, -122.31],
  ['BOS', 'KBOS', 'Boston Logan International Airport', 42.36, -71.01],
];

export const airports: readonly Airport[] = rows.map(([iata, icao, name, latitudeDeg, longitudeDeg]) => ({
  iata,
  icao,
  name,
  latitudeDeg,
  longitudeDeg,
}));
