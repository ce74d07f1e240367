//! Cities with their postal codes, streets, and how telephone numbers look.

use super::COUNTRIES;
use crate::{Filled, Pattern, Word, Words, below};

/// A city, by its row in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct City(u32);

const CITIES: u32 = 8;
const STREETS: u32 = 12;

#[inline(always)]
pub(super) fn city(country: usize, random: u32) -> City {
    City(country as u32 * CITIES + below(random, CITIES))
}

#[inline(always)]
pub(super) fn street(country: usize, random: u32) -> Word<'static, 32> {
    STREET.at(country * STREETS as usize + below(random, STREETS) as usize)
}

#[inline(always)]
pub(super) fn phone(country: usize, random: u64) -> Filled<'static> {
    Filled(&PHONE[country & (COUNTRIES - 1)], random)
}

#[inline(always)]
pub(super) fn postal_rest(country: usize, random: u64) -> Filled<'static> {
    Filled(&POSTAL_REST[country & (COUNTRIES - 1)], random)
}

impl City {
    /// Its name, as its people spell it.
    #[inline(always)]
    pub fn name(self) -> Word<'static, 32> {
        CITY.at(self.0 as usize)
    }

    /// State, region, province or county, as addresses there have it.
    #[inline(always)]
    pub fn region(self) -> Word<'static, 32> {
        REGION.at(self.0 as usize)
    }

    /// The first digits (or letters) of its postal codes.
    #[inline(always)]
    pub fn postal_prefix(self) -> Word<'static> {
        POSTAL.at(self.0 as usize)
    }

    /// Its row in the tables, 0 to 63.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

static PHONE: [Pattern; COUNTRIES] = [
    Pattern::new("+1 202 555 01##"),
    Pattern::new("+44 7700 900###"),
    Pattern::new("+49 30 23125###"),
    Pattern::new("+33 6 39 98 ####"),
    Pattern::new("+34 6########"),
    Pattern::new("+39 3#########"),
    Pattern::new("+31 6 ########"),
    Pattern::new("+46 70 174 06##"),
];

/// What follows a city's prefix in a postal code.
static POSTAL_REST: [Pattern; COUNTRIES] = [
    Pattern::new("##"),
    Pattern::new("# #@@"),
    Pattern::new("##"),
    Pattern::new("##"),
    Pattern::new("##"),
    Pattern::new("##"),
    Pattern::new("## @@"),
    Pattern::new("# ##"),
];

#[rustfmt::skip]
static CITY: Words<{ COUNTRIES * CITIES as usize }, 32> = Words::new([
    "New York", "Los Angeles", "Chicago", "Houston", "Phoenix", "Philadelphia", "Seattle",
    "Denver", "London", "Birmingham", "Manchester", "Leeds", "Glasgow", "Bristol", "Cardiff",
    "Edinburgh", "Berlin", "Hamburg", "München", "Köln", "Frankfurt am Main", "Stuttgart",
    "Leipzig", "Dortmund", "Paris", "Marseille", "Lyon", "Toulouse", "Nice", "Nantes",
    "Strasbourg", "Lille", "Madrid", "Barcelona", "Valencia", "Sevilla", "Zaragoza", "Málaga",
    "Bilbao", "Murcia", "Roma", "Milano", "Napoli", "Torino", "Palermo", "Genova", "Bologna",
    "Firenze", "Amsterdam", "Rotterdam", "Den Haag", "Utrecht", "Eindhoven", "Groningen",
    "Tilburg", "Almere", "Stockholm", "Göteborg", "Malmö", "Uppsala", "Västerås", "Örebro",
    "Linköping", "Helsingborg",
]);

#[rustfmt::skip]
static REGION: Words<{ COUNTRIES * CITIES as usize }, 32> = Words::new([
    "NY", "CA", "IL", "TX", "AZ", "PA", "WA", "CO", "Greater London", "West Midlands",
    "Greater Manchester", "West Yorkshire", "Glasgow City", "Bristol", "South Glamorgan",
    "Midlothian", "Berlin", "Hamburg", "Bayern", "Nordrhein-Westfalen", "Hessen",
    "Baden-Württemberg", "Sachsen", "Nordrhein-Westfalen", "Île-de-France",
    "Provence-Alpes-Côte d'Azur", "Auvergne-Rhône-Alpes", "Occitanie",
    "Provence-Alpes-Côte d'Azur", "Pays de la Loire", "Grand Est", "Hauts-de-France", "Madrid",
    "Barcelona", "Valencia", "Sevilla", "Zaragoza", "Málaga", "Bizkaia", "Murcia", "RM", "MI",
    "NA", "TO", "PA", "GE", "BO", "FI", "Noord-Holland", "Zuid-Holland", "Zuid-Holland", "Utrecht",
    "Noord-Brabant", "Groningen", "Noord-Brabant", "Flevoland", "Stockholms län",
    "Västra Götalands län", "Skåne län", "Uppsala län", "Västmanlands län", "Örebro län",
    "Östergötlands län", "Skåne län",
]);

#[rustfmt::skip]
static POSTAL: Words<{ COUNTRIES * CITIES as usize }> = Words::new([
    "100", "900", "606", "770", "850", "191", "981", "802", "SW", "B", "M", "LS", "G", "BS", "CF",
    "EH", "101", "201", "803", "506", "603", "701", "041", "441", "750", "130", "690", "310",
    "060", "440", "670", "590", "280", "080", "460", "410", "500", "290", "480", "300", "001",
    "201", "801", "101", "901", "161", "401", "501", "10", "30", "25", "35", "56", "97", "50",
    "13", "11", "41", "21", "75", "72", "70", "58", "25",
]);

#[rustfmt::skip]
static STREET: Words<{ COUNTRIES * STREETS as usize }, 32> = Words::new([
    "Main Street", "Oak Street", "Maple Avenue", "Park Avenue", "Washington Street", "Cedar Lane",
    "Elm Street", "Lake Drive", "Hill Road", "Sunset Boulevard", "Pine Street", "Lincoln Avenue",
    "High Street", "Station Road", "Church Lane", "Victoria Road", "Green Lane", "Manor Road",
    "Kings Road", "Queens Road", "Mill Lane", "The Avenue", "York Road", "Albert Street",
    "Hauptstraße", "Bahnhofstraße", "Gartenstraße", "Schulstraße", "Lindenstraße", "Bergstraße",
    "Goethestraße", "Schillerstraße", "Kirchweg", "Am Markt", "Mozartstraße", "Waldstraße",
    "Rue de la République", "Rue Victor Hugo", "Avenue Jean Jaurès", "Rue Pasteur",
    "Place de la Mairie", "Rue des Écoles", "Rue du Moulin", "Boulevard Gambetta",
    "Rue Saint-Martin", "Allée des Tilleuls", "Rue de l'Église", "Impasse des Lilas",
    "Calle Mayor", "Calle Real", "Avenida de Andalucía", "Calle de Alcalá", "Plaza de España",
    "Calle del Sol", "Calle San Juan", "Paseo Marítimo", "Calle Nueva", "Calle Goya",
    "Ronda de Toledo", "Calle Cervantes", "Via Roma", "Via Garibaldi", "Corso Italia",
    "Via Mazzini", "Via Dante", "Piazza Cavour", "Viale Europa", "Via Verdi", "Via Marconi",
    "Via San Marco", "Corso Vittorio Emanuele", "Via della Libertà", "Kerkstraat", "Dorpsstraat",
    "Stationsweg", "Molenweg", "Schoolstraat", "Julianastraat", "Wilhelminalaan", "Beatrixstraat",
    "Nieuwstraat", "Prinsengracht", "Lindelaan", "Marktplein", "Storgatan", "Drottninggatan",
    "Kungsgatan", "Skolgatan", "Kyrkogatan", "Björkvägen", "Järnvägsgatan", "Ringvägen",
    "Strandvägen", "Parkgatan", "Nygatan", "Vasagatan",
]);
