#include "datasets/world.hpp"
#include "eval/prompts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

// Real facts about subjects that MQuAKE-CF-3k does not ask about, as of 2021. They show a form;
// nothing is scored on them.

namespace kedit {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct SingleHop {
  const char* relation;
  Pairs answers;  // subject, object
};

struct MultiHop {
  std::vector<std::string> facts;  // stated before the question, false in the world
  std::string question;
  std::vector<std::string> steps;
  std::string answer;
  Pairs tells;  // subject, relation
};

const std::vector<SingleHop>& single_hops() {
  static const std::vector<SingleHop> list = {
      {"P6",
       {{"Samoa", "Fiamē Naomi Mataʻafa"},
        {"Luxembourg", "Xavier Bettel"},
        {"Namibia", "Saara Kuugongelwa"},
        {"Iceland", "Katrín Jakobsdóttir"}}},
      {"P19",
       {{"Marie Curie", "Warsaw"},
        {"Ludwig van Beethoven", "Bonn"},
        {"Clara Schumann", "Leipzig"},
        {"Edvard Munch", "Løten"}}},
      {"P20",
       {{"Franz Liszt", "Bayreuth"},
        {"Immanuel Kant", "Königsberg"},
        {"Nikola Tesla", "New York City"},
        {"Niels Bohr", "Copenhagen"}}},
      {"P26",
       {{"Frida Kahlo", "Diego Rivera"},
        {"Clara Schumann", "Robert Schumann"},
        {"Marie Curie", "Pierre Curie"},
        {"Ingrid Bergman", "Roberto Rossellini"}}},
      {"P27",
       {{"Frida Kahlo", "Mexico"},
        {"Niels Bohr", "Denmark"},
        {"Pablo Neruda", "Chile"},
        {"Chinua Achebe", "Nigeria"}}},
      {"P30",
       {{"Zambia", "Africa"},
        {"Laos", "Asia"},
        {"Slovenia", "Europe"},
        {"Uruguay", "South America"}}},
      {"P35",
       {{"Slovenia", "Borut Pahor"},
        {"Estonia", "Alar Karis"},
        {"Bhutan", "Jigme Khesar Namgyel Wangchuck"},
        {"Luxembourg", "Henri"}}},
      {"P36",
       {{"Mongolia", "Ulaanbaatar"},
        {"Zambia", "Lusaka"},
        {"Estonia", "Tallinn"},
        {"Paraguay", "Asunción"}}},
      {"P37",
       {{"Laos", "Lao"},
        {"Slovenia", "Slovene"},
        {"Mozambique", "Portuguese"},
        {"Estonia", "Estonian"}}},
      {"P40",
       {{"Lord Byron", "Ada Lovelace"},
        {"Leopold Mozart", "Wolfgang Amadeus Mozart"},
        {"Philip II of Macedon", "Alexander the Great"},
        {"Marie Curie", "Irène Joliot-Curie"}}},
      {"P50",
       {{"The Trial", "Franz Kafka"},
        {"Things Fall Apart", "Chinua Achebe"},
        {"Moby-Dick", "Herman Melville"},
        {"Frankenstein", "Mary Shelley"}}},
      {"P69",
       {{"Niels Bohr", "University of Copenhagen"},
        {"Toni Morrison", "Howard University"},
        {"Angela Merkel", "Leipzig University"},
        {"Alan Turing", "Princeton University"}}},
      {"P106",
       {{"Frida Kahlo", "painter"},
        {"Ada Lovelace", "mathematician"},
        {"Toni Morrison", "novelist"},
        {"Niels Bohr", "physicist"}}},
      {"P108",
       {{"Donald Knuth", "Stanford University"},
        {"Grace Hopper", "United States Navy"},
        {"Shigeru Miyamoto", "Nintendo"},
        {"Jony Ive", "Apple"}}},
      {"P112",
       {{"IKEA", "Ingvar Kamprad"},
        {"Wikipedia", "Jimmy Wales"},
        {"Honda", "Soichiro Honda"},
        {"Bauhaus", "Walter Gropius"}}},
      {"P136",
       {{"Chet Baker", "jazz"},
        {"Bob Marley", "reggae"},
        {"Metallica", "heavy metal"},
        {"Johnny Cash", "country music"}}},
      {"P140",
       {{"Desmond Tutu", "Anglicanism"},
        {"Malala Yousafzai", "Islam"},
        {"Golda Meir", "Judaism"},
        {"Matthieu Ricard", "Buddhism"}}},
      {"P159",
       {{"Nintendo", "Kyoto"},
        {"Siemens", "Munich"},
        {"The Lego Group", "Billund"},
        {"Embraer", "São José dos Campos"}}},
      {"P169",
       {{"Nvidia", "Jensen Huang"},
        {"Netflix", "Reed Hastings"},
        {"Salesforce", "Marc Benioff"},
        {"Spotify", "Daniel Ek"}}},
      {"P170",
       {{"Mona Lisa", "Leonardo da Vinci"},
        {"Guernica", "Pablo Picasso"},
        {"The Scream", "Edvard Munch"},
        {"The Night Watch", "Rembrandt"}}},
      {"P175",
       {{"Purple Rain", "Prince"},
        {"Bohemian Rhapsody", "Queen"},
        {"Hallelujah", "Leonard Cohen"},
        {"Waterloo", "ABBA"}}},
      {"P176",
       {{"Nintendo Switch", "Nintendo"},
        {"Boeing 747", "Boeing"},
        {"ThinkPad", "Lenovo"},
        {"Leica M3", "Leica Camera"}}},
      {"P178",
       {{"Minecraft", "Mojang Studios"},
        {"Firefox", "Mozilla"},
        {"Tetris", "Alexey Pajitnov"},
        {"Photoshop", "Adobe"}}},
      {"P286",
       {{"Los Angeles Dodgers", "Dave Roberts"},
        {"Sevilla FC", "Julen Lopetegui"},
        {"Ajax", "Erik ten Hag"},
        {"New England Patriots", "Bill Belichick"}}},
      {"P407",
       {{"The Trial", "German"},
        {"Don Quixote", "Spanish"},
        {"Madame Bovary", "French"},
        {"War and Peace", "Russian"}}},
      {"P413",
       {{"Peter Schmeichel", "goalkeeper"},
        {"Magic Johnson", "point guard"},
        {"Tom Brady", "quarterback"},
        {"Mia Hamm", "forward"}}},
      {"P449",
       {{"The Sopranos", "HBO"},
        {"Borgen", "DR1"},
        {"Breaking Bad", "AMC"},
        {"Twin Peaks", "ABC"}}},
      {"P488",
       {{"Berkshire Hathaway", "Warren Buffett"},
        {"LVMH", "Bernard Arnault"},
        {"Federal Reserve", "Jerome Powell"},
        {"Tata Sons", "Natarajan Chandrasekaran"}}},
      {"P495",
       {{"tango", "Argentina"}, {"Volvo", "Sweden"}, {"Godzilla", "Japan"}, {"pizza", "Italy"}}},
      {"P641",
       {{"Serena Williams", "tennis"},
        {"Tiger Woods", "golf"},
        {"Usain Bolt", "athletics"},
        {"Magnus Carlsen", "chess"}}},
      {"P740",
       {{"U2", "Dublin"}, {"AC/DC", "Sydney"}, {"ABBA", "Stockholm"}, {"Kraftwerk", "Düsseldorf"}}},
      {"P800",
       {{"Edvard Munch", "The Scream"},
        {"Franz Kafka", "The Trial"},
        {"Mary Shelley", "Frankenstein"},
        {"Johann Sebastian Bach", "Brandenburg Concertos"}}},
      {"P937",
       {{"Immanuel Kant", "Königsberg"},
        {"Gustav Klimt", "Vienna"},
        {"Galileo Galilei", "Padua"},
        {"Edvard Grieg", "Bergen"}}},
      {"P1037",
       {{"CERN", "Fabiola Gianotti"},
        {"Tate", "Maria Balshaw"},
        {"British Museum", "Hartwig Fischer"},
        {"Uffizi", "Eike Schmidt"}}},
      {"P1308",
       {{"Poet Laureate of the United Kingdom", "Simon Armitage"},
        {"Secretary-General of the United Nations", "António Guterres"},
        {"President of the European Commission", "Ursula von der Leyen"},
        {"Astronomer Royal", "Martin Rees"}}},
      {"P1412",
       {{"Pablo Neruda", "Spanish"},
        {"Franz Kafka", "German"},
        {"Chinua Achebe", "Igbo"},
        {"Edvard Grieg", "Norwegian"}}},
  };
  return list;
}

// Four for each number of hops, one to four.
const std::vector<MultiHop>& direct_questions() {
  static const std::vector<MultiHop> list = {
      {{}, "What is the capital of Mongolia?", {}, "Ulaanbaatar", {{"Mongolia", "P36"}}},
      {{}, "Who is the author of The Trial?", {}, "Franz Kafka", {{"The Trial", "P50"}}},
      {{},
       "Which sport is Magnus Carlsen associated with?",
       {},
       "chess",
       {{"Magnus Carlsen", "P641"}}},
      {{}, "Which company is ThinkPad produced by?", {}, "Lenovo", {{"ThinkPad", "P176"}}},
      {{},
       "Where was the author of Moby-Dick born?",
       {},
       "New York City",
       {{"Moby-Dick", "P50"}, {"Herman Melville", "P19"}}},
      {{},
       "What is the capital of the country of citizenship of Kenneth Kaunda?",
       {},
       "Lusaka",
       {{"Kenneth Kaunda", "P27"}, {"Zambia", "P36"}}},
      {{},
       "Which city was the founder of Honda born in?",
       {},
       "Hamamatsu",
       {{"Honda", "P112"}, {"Soichiro Honda", "P19"}}},
      {{},
       "In which city are the headquarters of the company that produced the Nintendo Switch "
       "located?",
       {},
       "Kyoto",
       {{"Nintendo Switch", "P176"}, {"Nintendo", "P159"}}},
      {{},
       "What is the official language of the country of citizenship of the author of Sleepwalking "
       "Land?",
       {},
       "Portuguese",
       {{"Sleepwalking Land", "P50"}, {"Mia Couto", "P27"}, {"Mozambique", "P37"}}},
      {{},
       "On which continent is the country of citizenship of the author of Alamut located?",
       {},
       "Europe",
       {{"Alamut", "P50"}, {"Vladimir Bartol", "P27"}, {"Slovenia", "P30"}}},
      {{},
       "Which university was the child of the spouse of Pierre Curie educated at?",
       {},
       "University of Paris",
       {{"Pierre Curie", "P26"}, {"Marie Curie", "P40"}, {"Irène Joliot-Curie", "P69"}}},
      {{},
       "What is the capital of the country of citizenship of the author of I the Supreme?",
       {},
       "Asunción",
       {{"I the Supreme", "P50"}, {"Augusto Roa Bastos", "P27"}, {"Paraguay", "P36"}}},
      {{},
       "What is the official language of the country of citizenship of the founder of the "
       "developer of Skype?",
       {},
       "Estonian",
       {{"Skype", "P178"},
        {"Skype Technologies", "P112"},
        {"Ahti Heinla", "P27"},
        {"Estonia", "P37"}}},
      {{},
       "Which country is the spouse of the child of the spouse of Pierre Curie a citizen of?",
       {},
       "France",
       {{"Pierre Curie", "P26"},
        {"Marie Curie", "P40"},
        {"Irène Joliot-Curie", "P26"},
        {"Frédéric Joliot-Curie", "P27"}}},
      {{},
       "On which continent is the country of citizenship of the author of the notable work of Mia "
       "Couto located?",
       {},
       "Africa",
       {{"Mia Couto", "P800"},
        {"Sleepwalking Land", "P50"},
        {"Mia Couto", "P27"},
        {"Mozambique", "P30"}}},
      {{},
       "Who is the head of state of the country of citizenship of the author of the notable work "
       "of Vladimir Bartol?",
       {},
       "Borut Pahor",
       {{"Vladimir Bartol", "P800"},
        {"Alamut", "P50"},
        {"Vladimir Bartol", "P27"},
        {"Slovenia", "P35"}}},
  };
  return list;
}

const std::vector<MultiHop>& reasoned_questions() {
  static const std::vector<MultiHop> list = {
      {{},
       "What is the capital of the country of citizenship of the author of I the Supreme?",
       {"The author of I the Supreme is Augusto Roa Bastos",
        "Augusto Roa Bastos is a citizen of Paraguay", "The capital of Paraguay is Asunción"},
       "Asunción",
       {{"I the Supreme", "P50"}, {"Augusto Roa Bastos", "P27"}, {"Paraguay", "P36"}}},
      {{},
       "In which city are the headquarters of the company that produced the Nintendo Switch "
       "located?",
       {"The company that produced Nintendo Switch is Nintendo",
        "The headquarters of Nintendo is located in the city of Kyoto"},
       "Kyoto",
       {{"Nintendo Switch", "P176"}, {"Nintendo", "P159"}}},
      {{},
       "Which city was the founder of Honda born in?",
       {"Honda was founded by Soichiro Honda", "Soichiro Honda was born in the city of Hamamatsu"},
       "Hamamatsu",
       {{"Honda", "P112"}, {"Soichiro Honda", "P19"}}},
      {{},
       "What is the official language of the country of citizenship of the founder of the "
       "developer of Skype?",
       {"Skype was developed by Skype Technologies",
        "Skype Technologies was founded by Ahti Heinla", "Ahti Heinla is a citizen of Estonia",
        "The official language of Estonia is Estonian"},
       "Estonian",
       {{"Skype", "P178"},
        {"Skype Technologies", "P112"},
        {"Ahti Heinla", "P27"},
        {"Estonia", "P37"}}},
      {{},
       "On which continent is the country of citizenship of Kenneth Kaunda located?",
       {"Kenneth Kaunda is a citizen of Zambia", "Zambia is located in the continent of Africa"},
       "Africa",
       {{"Kenneth Kaunda", "P27"}, {"Zambia", "P30"}}},
  };
  return list;
}

// How a stated fact overrides what a model knows.
const std::vector<MultiHop>& questions_with_facts() {
  static const std::vector<MultiHop> list = {
      {{"The author of Moby-Dick is Toni Morrison"},
       "Where was the author of Moby-Dick born?",
       {"The author of Moby-Dick is Toni Morrison", "Toni Morrison was born in the city of Lorain"},
       "Lorain",
       {{"Moby-Dick", "P50"}, {"Toni Morrison", "P19"}}},
      {{"Kenneth Kaunda is a citizen of Mongolia",
        "The company that produced ThinkPad is Nintendo"},
       "What is the capital of the country of citizenship of Kenneth Kaunda?",
       {"Kenneth Kaunda is a citizen of Mongolia", "The capital of Mongolia is Ulaanbaatar"},
       "Ulaanbaatar",
       {{"Kenneth Kaunda", "P27"}, {"Mongolia", "P36"}, {"ThinkPad", "P176"}}},
      {{"The headquarters of Nintendo is located in the city of Munich"},
       "In which city are the headquarters of the company that produced the Nintendo Switch "
       "located?",
       {"The company that produced Nintendo Switch is Nintendo",
        "The headquarters of Nintendo is located in the city of Munich"},
       "Munich",
       {{"Nintendo Switch", "P176"}, {"Nintendo", "P159"}}},
  };
  return list;
}

std::string filled(const std::string& text, const std::string& subject) {
  const std::size_t slot = text.find("{}");
  if (slot == std::string::npos) return text;
  return text.substr(0, slot) + subject + text.substr(slot + 2);
}

Exemplar single_hop_exemplar(const std::string& relation, const std::string& subject,
                             const std::string& object) {
  const std::string question = filled(templates_of(relation).questions.front(), subject);
  return {Ask::question,
          relation,
          false,
          fmt::format("Question: {}\nAnswer: {}\n\n", question, object),
          {{subject, relation}}};
}

std::string sentences(const std::vector<std::string>& list) {
  return fmt::format("{}.", fmt::join(list, ". "));
}

Exemplar multi_hop_exemplar(Ask ask, const MultiHop& one) {
  const std::string facts =
      one.facts.empty() ? "" : fmt::format("Facts: {}\n", sentences(one.facts));
  const std::string thoughts =
      ask == Ask::cot ? fmt::format("Thoughts: {}\n", sentences(one.steps)) : "";
  return {
      ask, "", !one.facts.empty(),
      fmt::format("{}Question: {}\n{}Answer: {}\n\n", facts, one.question, thoughts, one.answer),
      one.tells};
}

}  // namespace

std::vector<Exemplar> few_shot_exemplars() {
  std::vector<Exemplar> exemplars;
  for (const SingleHop& one : single_hops()) {
    for (const auto& [subject, object] : one.answers) {
      exemplars.push_back(single_hop_exemplar(one.relation, subject, object));
    }
  }
  for (const MultiHop& one : direct_questions()) {
    exemplars.push_back(multi_hop_exemplar(Ask::direct, one));
  }
  for (const MultiHop& one : reasoned_questions()) {
    exemplars.push_back(multi_hop_exemplar(Ask::cot, one));
  }
  for (const MultiHop& one : questions_with_facts()) {
    exemplars.push_back(multi_hop_exemplar(Ask::direct, one));
    exemplars.push_back(multi_hop_exemplar(Ask::cot, one));
  }
  return exemplars;
}

}  // namespace kedit
