//! Names as they are common in each country: twenty first names of men and of women, and forty
//! last names, in the order of [`Country`](super::Country).

use super::COUNTRIES;
use crate::Words;

#[rustfmt::skip]
pub(super) static MALE: Words<{ COUNTRIES * 20 }> = Words::new([
    // United States
    "James", "Robert", "John", "Michael", "David", "William", "Richard", "Joseph", "Thomas",
    "Carlos", "Daniel", "Matthew", "Anthony", "Mark", "Steven", "Andrew", "Joshua", "Kevin",
    "Brian", "Tyler",
    // United Kingdom
    "Oliver", "George", "Harry", "Jack", "Jacob", "Charlie", "Alfie", "Henry", "Oscar", "Simon",
    "Archie", "Leo", "Freddie", "Stephen", "Graham", "Ian", "Callum", "Rhys", "Imran", "Gareth",
    // Germany
    "Lukas", "Leon", "Finn", "Jonas", "Paul", "Elias", "Maximilian", "Felix", "Moritz", "Jürgen",
    "Stefan", "Andreas", "Jörg", "Thomas", "Uwe", "Björn", "Mehmet", "Tobias", "Sven", "Matthias",
    // France
    "Gabriel", "Léo", "Raphaël", "Louis", "Jules", "Adam", "Hugo", "Arthur", "Théo", "Jean",
    "Pierre", "Michel", "Philippe", "Nicolas", "Julien", "Mathieu", "François", "Karim", "Olivier",
    "Laurent",
    // Spain
    "Antonio", "Manuel", "José", "Francisco", "David", "Javier", "Daniel", "Carlos", "Jesús",
    "Alejandro", "Miguel", "Rafael", "Pedro", "Pablo", "Sergio", "Álvaro", "Adrián", "Diego",
    "Iván", "Rubén",
    // Italy
    "Leonardo", "Francesco", "Lorenzo", "Alessandro", "Andrea", "Mattia", "Tommaso", "Riccardo",
    "Edoardo", "Giuseppe", "Antonio", "Giovanni", "Luca", "Marco", "Stefano", "Paolo", "Davide",
    "Nicolò", "Roberto", "Simone",
    // Netherlands
    "Noah", "Daan", "Sem", "Lucas", "Levi", "Bram", "Thijs", "Jan", "Pieter", "Willem", "Kees",
    "Sander", "Jeroen", "Bas", "Maarten", "Ruben", "Joost", "Lars", "Niels", "Hendrik",
    // Sweden
    "Lars", "Karl", "Anders", "Johan", "Erik", "Mikael", "Nils", "Per", "Björn", "Göran", "Åke",
    "Fredrik", "Gustav", "Magnus", "Oskar", "Axel", "Jonas", "Mats", "Emil", "Viktor",
]);

#[rustfmt::skip]
pub(super) static FEMALE: Words<{ COUNTRIES * 20 }> = Words::new([
    // United States
    "Mary", "Patricia", "Jennifer", "Linda", "Elizabeth", "Barbara", "Susan", "Jessica", "Sarah",
    "Karen", "Maria", "Ashley", "Emily", "Michelle", "Amanda", "Melissa", "Stephanie", "Nicole",
    "Olivia", "Madison",
    // United Kingdom
    "Amelia", "Isla", "Ava", "Emily", "Sophie", "Grace", "Lily", "Freya", "Poppy", "Charlotte",
    "Alice", "Fiona", "Gemma", "Nicola", "Siobhan", "Megan", "Aisha", "Harriet", "Lucy", "Evie",
    // Germany
    "Mia", "Emma", "Hannah", "Sofia", "Anna", "Lea", "Marie", "Lena", "Leonie", "Sabine", "Petra",
    "Ursula", "Katrin", "Birgit", "Jana", "Ayşe", "Käthe", "Lina", "Nele", "Franziska",
    // France
    "Emma", "Jade", "Louise", "Alice", "Chloé", "Léa", "Manon", "Inès", "Camille", "Zoé",
    "Nathalie", "Isabelle", "Sylvie", "Céline", "Aurélie", "Émilie", "Hélène", "Amélie", "Fatima",
    "Margaux",
    // Spain
    "María", "Carmen", "Ana", "Isabel", "Laura", "Lucía", "Cristina", "Marta", "Paula", "Elena",
    "Pilar", "Sara", "Raquel", "Irene", "Nuria", "Rocío", "Sofía", "Alba", "Begoña", "Inés",
    // Italy
    "Sofia", "Giulia", "Aurora", "Alice", "Ginevra", "Emma", "Giorgia", "Beatrice", "Anna",
    "Francesca", "Chiara", "Martina", "Elisa", "Paola", "Federica", "Valentina", "Silvia", "Noemi",
    "Rosa", "Caterina",
    // Netherlands
    "Emma", "Julia", "Mila", "Tess", "Sophie", "Zoë", "Sara", "Nora", "Eva", "Lotte", "Anouk",
    "Femke", "Sanne", "Marieke", "Ingrid", "Fleur", "Maud", "Roos", "Esmée", "Johanna",
    // Sweden
    "Anna", "Eva", "Maria", "Karin", "Kristina", "Lena", "Sara", "Kerstin", "Emma", "Ingrid",
    "Malin", "Elin", "Åsa", "Linnéa", "Saga", "Astrid", "Ebba", "Märta", "Alva", "Sigrid",
]);

#[rustfmt::skip]
pub(super) static LAST: Words<{ COUNTRIES * 40 }> = Words::new([
    // United States
    "Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez",
    "Martinez", "Hernandez", "Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor",
    "Moore", "Jackson", "Martin", "Lee", "Perez", "Thompson", "White", "Harris", "Sanchez",
    "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young", "Allen", "King", "Wright",
    "Nguyen", "Hill", "Flores", "Green", "Baker",
    // United Kingdom
    "Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Johnson", "Davies", "Robinson",
    "Wright", "Thompson", "Evans", "Walker", "White", "Roberts", "Green", "Hall", "Wood",
    "Jackson", "Clarke", "Patel", "Khan", "Lewis", "Hughes", "Edwards", "Turner", "Cooper",
    "Morris", "Ward", "Murphy", "Campbell", "Stewart", "MacDonald", "Begum", "Bennett", "Shaw",
    "Hussain", "Fraser", "Griffiths", "Pritchard",
    // Germany
    "Müller", "Schmidt", "Schneider", "Fischer", "Weber", "Meyer", "Wagner", "Becker", "Schulz",
    "Hoffmann", "Schäfer", "Koch", "Bauer", "Richter", "Klein", "Wolf", "Schröder", "Neumann",
    "Schwarz", "Zimmermann", "Braun", "Krüger", "Hofmann", "Hartmann", "Lange", "Werner", "Krause",
    "Lehmann", "Köhler", "Maier", "Weiß", "Jung", "Hahn", "Vogel", "Yılmaz", "Keller", "Günther",
    "Berger", "Winkler", "Groß",
    // France
    "Martin", "Bernard", "Thomas", "Petit", "Robert", "Richard", "Durand", "Dubois", "Moreau",
    "Laurent", "Simon", "Michel", "Lefebvre", "Leroy", "Roux", "David", "Bertrand", "Morel",
    "Fournier", "Girard", "Bonnet", "Dupont", "Lambert", "Fontaine", "Rousseau", "Vincent",
    "Faure", "Mercier", "Blanc", "Guérin", "Boyer", "Garnier", "Chevalier", "François", "Legrand",
    "Gauthier", "Perrin", "Hébert", "Benali", "Lemaître",
    // Spain
    "García", "Rodríguez", "González", "Fernández", "López", "Martínez", "Sánchez", "Pérez",
    "Gómez", "Martín", "Jiménez", "Ruiz", "Hernández", "Díaz", "Moreno", "Muñoz", "Álvarez",
    "Romero", "Alonso", "Gutiérrez", "Navarro", "Torres", "Domínguez", "Vázquez", "Ramos", "Gil",
    "Ramírez", "Serrano", "Blanco", "Molina", "Morales", "Suárez", "Ortega", "Delgado", "Castro",
    "Ortiz", "Rubio", "Marín", "Sanz", "Iglesias",
    // Italy
    "Rossi", "Russo", "Ferrari", "Esposito", "Bianchi", "Romano", "Colombo", "Ricci", "Marino",
    "Greco", "Bruno", "Gallo", "Conti", "De Luca", "Mancini", "Costa", "Giordano", "Rizzo",
    "Lombardi", "Moretti", "Barbieri", "Fontana", "Santoro", "Mariani", "Rinaldi", "Caruso",
    "Ferrara", "Galli", "Martini", "Leone", "Longo", "Gentile", "Martinelli", "Vitale", "Lombardo",
    "Serra", "Coppola", "De Santis", "D'Angelo", "Marchetti",
    // Netherlands
    "de Jong", "Jansen", "de Vries", "van den Berg", "van Dijk", "Bakker", "Janssen", "Visser",
    "Smit", "Meijer", "de Boer", "Mulder", "de Groot", "Bos", "Vos", "Peters", "Hendriks",
    "van Leeuwen", "Dekker", "Brouwer", "de Wit", "Dijkstra", "Smits", "de Graaf", "van der Meer",
    "Kok", "Jacobs", "de Haan", "Vermeulen", "van den Bos", "de Bruin", "Kramer", "van Vliet",
    "Post", "Kuipers", "Verhoeven", "Willems", "Schouten", "Hoekstra", "Yildiz",
    // Sweden
    "Andersson", "Johansson", "Karlsson", "Nilsson", "Eriksson", "Larsson", "Olsson", "Persson",
    "Svensson", "Gustafsson", "Pettersson", "Jonsson", "Jansson", "Hansson", "Bengtsson",
    "Jönsson", "Lindberg", "Jakobsson", "Magnusson", "Lindström", "Olofsson", "Lindqvist",
    "Lindgren", "Berg", "Axelsson", "Bergström", "Lundberg", "Lind", "Lundgren", "Lundqvist",
    "Mattsson", "Berglund", "Fredriksson", "Sandberg", "Henriksson", "Forsberg", "Sjöberg",
    "Wallin", "Engström", "Öberg",
]);

/// The same names as they stand in addresses of electronic mail.
pub(super) static MAIL_MALE: Words<{ COUNTRIES * 20 }> = mail_names(&MALE);
pub(super) static MAIL_FEMALE: Words<{ COUNTRIES * 20 }> = mail_names(&FEMALE);
pub(super) static MAIL_LAST: Words<{ COUNTRIES * 40 }> = mail_names(&LAST);

const fn mail_names<const N: usize>(names: &Words<N>) -> Words<N> {
    let mut mail = Words::new([""; N]);
    let mut i = 0;
    while i < N {
        mail = mail.with(i, &mail_name(names.bytes_at(i)));
        i += 1;
    }
    mail
}

/// A name as people write it in an address: small letters of ASCII, accents and ligatures
/// resolved as those languages do, anything else left out. Zeros follow it.
const fn mail_name(name: &[u8]) -> [u8; 13] {
    let mut mail = [0; 13];
    let (mut from, mut to) = (0, 0);
    while from < name.len() {
        let letter = name[from];
        let (plain, width): (&[u8], usize) = match letter {
            b'A'..=b'Z' | b'a'..=b'z' => (&[letter | 0x20], 1),
            0xc3..=0xc5 => (resolved(letter, name[from + 1]), 2),
            0x80.. => panic!("a name has a letter that mail_name doesn't know"),
            _ => (b"", 1),
        };
        let mut i = 0;
        while i < plain.len() {
            mail[to] = plain[i];
            to += 1;
            i += 1;
        }
        from += width;
    }
    mail
}

/// What stands for a letter of two bytes.
const fn resolved(first: u8, second: u8) -> &'static [u8] {
    match (first, second | 0x20) {
        (0xc3, 0xbf) => b"ss",
        (0xc3, 0xa4 | 0xa6) => b"ae",
        (0xc3, 0xb6 | 0xb8) => b"oe",
        (0xc3, 0xbc) => b"ue",
        (0xc3, 0xa0..=0xa5) => b"a",
        (0xc3, 0xa7) => b"c",
        (0xc3, 0xa8..=0xab) => b"e",
        (0xc3, 0xac..=0xaf) => b"i",
        (0xc3, 0xb1) => b"n",
        (0xc3, 0xb2..=0xb5) => b"o",
        (0xc3, 0xb9..=0xbb) => b"u",
        (0xc4, 0xb1) => b"i",
        (0xc5, 0xbf) => b"s",
        _ => panic!("a name has a letter that mail_name doesn't know"),
    }
}
