-- The five tables of the public flughafendb that flights are read from and written to.
-- A database loaded from the public dump has them already, and is left as it is. No column is added here:
-- whatever works on these tables works on the public ones.

CREATE TABLE IF NOT EXISTS airport (
  airport_id SMALLINT NOT NULL AUTO_INCREMENT,
  iata CHAR(3) NULL,
  icao CHAR(4) NOT NULL,
  name VARCHAR(50) NOT NULL,
  PRIMARY KEY (airport_id),
  UNIQUE KEY icao_unq (icao)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS airline (
  airline_id SMALLINT NOT NULL AUTO_INCREMENT,
  iata CHAR(2) NOT NULL,
  airlinename VARCHAR(30) NULL,
  base_airport SMALLINT NOT NULL,
  PRIMARY KEY (airline_id),
  UNIQUE KEY iata_unq (iata),
  KEY base_airport_idx (base_airport),
  CONSTRAINT airline_ibfk_1 FOREIGN KEY (base_airport) REFERENCES airport (airport_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- airline_id is an INT here and a SMALLINT in airline, as in the public schema: hence no foreign key.
CREATE TABLE IF NOT EXISTS airplane (
  airplane_id INT NOT NULL AUTO_INCREMENT,
  capacity MEDIUMINT UNSIGNED NOT NULL,
  type_id INT NOT NULL,
  airline_id INT NOT NULL,
  PRIMARY KEY (airplane_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS flight (
  flight_id INT NOT NULL AUTO_INCREMENT,
  flightno CHAR(8) NOT NULL,
  `from` SMALLINT NOT NULL,
  `to` SMALLINT NOT NULL,
  departure DATETIME NOT NULL,
  arrival DATETIME NOT NULL,
  airline_id SMALLINT NOT NULL,
  airplane_id INT NOT NULL,
  PRIMARY KEY (flight_id),
  KEY from_idx (`from`),
  KEY to_idx (`to`),
  KEY departure_idx (departure),
  KEY arrivals_idx (arrival),
  KEY airline_idx (airline_id),
  KEY airplane_idx (airplane_id),
  CONSTRAINT flight_ibfk_1 FOREIGN KEY (`from`) REFERENCES airport (airport_id),
  CONSTRAINT flight_ibfk_2 FOREIGN KEY (`to`) REFERENCES airport (airport_id),
  CONSTRAINT flight_ibfk_3 FOREIGN KEY (airline_id) REFERENCES airline (airline_id),
  CONSTRAINT flight_ibfk_4 FOREIGN KEY (airplane_id) REFERENCES airplane (airplane_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- The audit trail: one row an update, the row's values before and after it. It has no key.
CREATE TABLE IF NOT EXISTS flight_log (
  log_date DATETIME NOT NULL,
  `user` VARCHAR(100) NOT NULL,
  flight_id INT NOT NULL,
  flightno_old CHAR(8) NOT NULL,
  flightno_new CHAR(8) NOT NULL,
  from_old SMALLINT NOT NULL,
  to_old SMALLINT NOT NULL,
  from_new SMALLINT NOT NULL,
  to_new SMALLINT NOT NULL,
  departure_old DATETIME NOT NULL,
  arrival_old DATETIME NOT NULL,
  departure_new DATETIME NOT NULL,
  arrival_new DATETIME NOT NULL,
  airplane_id_old INT NOT NULL,
  airplane_id_new INT NOT NULL,
  airline_id_old SMALLINT NOT NULL,
  airline_id_new SMALLINT NOT NULL,
  `comment` VARCHAR(200) NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
