#include "lab/world/names.hpp"

#include <set>
#include <string>

// Names that an invented entity must not have, one blank between two: the well-known countries,
// cities, languages, religions and regions, frequent given names and some everyday words.

namespace kedit {
namespace {

constexpr std::string_view kCountries =
    "accra afghanistan albania algeria andorra angola argentina armenia australia austria "
    "azerbaijan bahamas bahrain bangladesh barbados belarus belgium belize benin bhutan bolivia "
    "bosnia botswana brazil brunei bulgaria burkina burma burundi cambodia cameroon canada chad "
    "chile china colombia comoros congo croatia cuba cyprus dagestan denmark djibouti dominica "
    "ecuador egypt england eritrea estonia eswatini ethiopia fiji finland france gabon gambia "
    "georgia germany ghana gotland greece greenland grenada guatemala guinea guyana haiti "
    "holland honduras hungary iceland india indonesia iran iraq ireland israel italy jamaica "
    "japan jordan jutland kazakhstan kenya kiribati korea kosovo kurdistan kuwait kyrgyzstan "
    "laos lapland latvia lebanon lesotho liberia libya liechtenstein lithuania luxembourg "
    "madagascar malawi malaysia maldives mali malta mauritania mauritius mexico micronesia "
    "moldova monaco mongolia montenegro morocco mozambique myanmar namibia nauru nepal "
    "netherlands nicaragua niger nigeria norway oman pakistan palau palestine panama paraguay "
    "peru philippines poland portugal qatar rhineland romania russia rwanda saarland samoa "
    "scotland senegal serbia seychelles singapore slovakia slovenia somalia spain sudan sumatra "
    "suriname swaziland sweden switzerland syria taiwan tajikistan tanzania tatarstan thailand "
    "tibet tobago togo tonga trinidad tunisia turkey turkmenistan tuvalu uganda ukraine uruguay "
    "uzbekistan vanuatu venezuela vietnam wales yemen zaire zambia zimbabwe";

constexpr std::string_view kCities =
    "aachen aarhus abidjan abuja adana adelaide agra aleppo algiers almaty amman amsterdam "
    "ankara antwerp arequipa asmara astana athens atlanta auckland augsburg austin baghdad baku "
    "bali baltimore bamako bangalore bangkok bangui banjul barcelona bari basel basra beijing "
    "beirut belfast belgrade bergen berlin bern bilbao birmingham bishkek bissau bodo bogota "
    "bologna bombay bonn bordeaux boston brandenburg brasilia bratislava brazoria brazzaville "
    "bremen brescia brest bristol brno bruges brussels bucharest budapest bursa busan cairo "
    "calcutta calgary cali canberra caracas cardiff casablanca catania chennai chicago coburg "
    "cologne colombo como conakry copenhagen cordoba cork cusco dakar dallas damascus dar delhi "
    "denizli denver detroit dhaka dijon dili dodoma doha donetsk dresden dubai dublin duisburg "
    "durban durham dushanbe edinburgh essen evansville fez florence foggia frankfurt freetown "
    "freiburg funafuti gaborone gaza gdansk geneva genoa gera ghent gitega giza glasgow gori "
    "graz grenoble guadalajara guayaquil haifa halifax hamburg hanoi hanover harare havana "
    "helsinki hilo hiroshima hobart houston huntsville hyderabad innsbruck islamabad istanbul "
    "izmir jacksonville jaipur jakarta java jeddah jena jerusalem johannesburg juba kabul "
    "kaduna kampala kano karachi kathmandu kauai kaunas kazan kharkiv khartoum kiel kigali "
    "kingston kinshasa knoxville kobe kochi kofu kolkata kota krakow krems kumasi kyiv kyoto "
    "lagos lahore latina lecce leeds leipzig leon lille lilongwe lima limburg limerick linz "
    "lisbon liverpool ljubljana lodi lome london louisville luanda lubumbashi lucknow lugano "
    "luneburg lusaka lviv lyon madrid magdeburg majuro malabo malaga male malmo managua manama "
    "manchester manila maputo marburg marrakesh marseille maseru maui mecca medan medina "
    "melbourne memphis mesa metz miami milan minsk mombasa monrovia monterrey montevideo "
    "montreal moroni moscow mosul mumbai munich muscat nagoya nairobi nantes naples nara "
    "nashville nassau niamey nice nicosia nola nouakchott novara odessa oldenburg omsk oran "
    "orlando osaka oslo ottawa palermo paris pau pavia peoria perm perth petersburg "
    "philadelphia phoenix pisa podgorica poona porto poznan prague praia prato pretoria provo "
    "pune pyongyang quebec quito rabat ravenna regensburg reno reykjavik riga rimini riyadh "
    "rome rosario rostock rota rotterdam salzburg sana santiago santos sapporo sarajevo seattle "
    "seoul seville shanghai siena skopje sochi sofia stockholm strasbourg stuttgart sucre "
    "sudbury surabaya suva sydney tabriz taipei tallinn tampa tampere tarawa tashkent tbilisi "
    "tegucigalpa tehran terni thimphu tirana titusville toda tokyo toledo tomsk toronto "
    "toulouse tours trapani trento trieste tripoli trondheim tula tunis turin turku tver udine "
    "utrecht vaduz valencia valletta vancouver varna venice verona victoria vienna vientiane "
    "vilnius waco warsaw wellington windhoek wuhan yangon yaounde yerevan zagreb zurich";

constexpr std::string_view kLanguages =
    "afrikaans albanian amharic arabic aramaic armenian assamese aymara azeri baltic bambara "
    "basque belarusian bengali berber bosnian breton bulgarian burmese cantonese catalan "
    "cebuano celtic cherokee chinese coptic cornish corsican croatian czech danish dutch "
    "english esperanto estonian faroese farsi fijian finnish flemish french frisian fula gaelic "
    "galician georgian german germanic gothic greek guarani gujarati hausa hawaiian hebrew "
    "hellenic hindi hungarian icelandic igbo ilocano indonesian inuktitut irish italian "
    "japanese javanese kannada kazakh khmer kikuyu kongo korean kurdish kyrgyz lao latin "
    "latvian lingala lithuanian malagasy malay malayalam maltese mandarin manx maori marathi "
    "mongolian nahuatl navajo nepali nordic norse norwegian occitan oriya oromo ossetian pashto "
    "persian polish portuguese punjabi quechua romani romanian romansh russian sami samoan "
    "sanskrit sardinian scots semitic serbian shona sicilian sindhi sinhala slavic slovak "
    "slovene somali spanish sundanese swahili swedish swiss syriac tagalog tajik tamil tatar "
    "telugu thai tibetan tigrinya tongan tswana turkic turkish turkmen twi uighur ukrainian "
    "uralic urdu uzbek vietnamese welsh wolof xhosa yiddish yoruba zulu";

constexpr std::string_view kReligions =
    "anglicanism animism atheism babism bahaism bonism brahmanism buddhism calvinism "
    "catholicism christianity confucianism cubism dadaism daoism deism druidism fascism "
    "hinduism islam jainism judaism lamaism leninism lutheranism maoism marxism mazdaism "
    "methodism mormonism nihilism nudism paganism pantheism polytheism protestantism puritanism "
    "quakerism racism rastafarianism realism sadism saivism sexism shaivism shaktism shamanism "
    "shiism shintoism sikhism stalinism sufism sunnism taoism theism tourism truism vaishnavism "
    "vodou wicca zoroastrianism";

constexpr std::string_view kRegions =
    "africa alexandria america anatolia antarctica arabia asia australia bavaria bohemia "
    "claudia dalmatia daria eurasia europe galicia gallia gambia gondwana hibernia iberia julia "
    "laurasia liberia lidia livia livonia lydia macedonia mania maria media melanesia moravia "
    "nadia namibia nigeria oceania pangaea parthia persia polynesia pretoria prussia russia "
    "ruthenia saxonia scandia serbia siberia silesia silvia sofia somalia sonia tania tasmania "
    "transylvania zambia";

constexpr std::string_view kGivenNames =
    "adam alan anna anton bela ben biden boris brad brian bruno carla carlo castro clara dan "
    "dana daniel david dina dora drake elena emil emma erik eva felix fiona franco gandhi gina "
    "grant greta hana hans hassan helen hilda hitler hugo ida igor ilse ines irina ivan jan "
    "jana jean jens joan johan john jonas jose josef karen karin karl katrin kelso kevin kira "
    "klara klaus kurt lara laura lena lenin leo leon lina lisa lola lucas luis luka luna "
    "mandela mara maria marina mario marius marta martin mina mira mona nadia nils nina nora "
    "obama oleg olga omar oscar otto paul pedro peter petra pia putin rita robert roman rosa "
    "rosario ruben rudi sara sasha silas simon sofia stalin stark stefan susan tamara tanja "
    "tara thomas tim tina tito tom toni trump vera victor viola zara";

constexpr std::string_view kWords =
    "bail bait ban banana bar basin bat ben bet beta bikini bit brain bran brat bun bus but "
    "cabin canal casino clan cola coma dam data detail dim din disco dogma domino donor door "
    "dot drama drum fan far fat fatal favor ferrari final fit fun fur gala gas gate gemini get "
    "got grain grim grin grit gum gun halo ham hat hero hit honor hot hotel humor hut jam java "
    "jet judo karma kilo kit koala labor latin lava let lit llama lot lunar mail main major man "
    "mat medal men met metal minor mit molar moral motel motor nail net nit not nut origami pan "
    "panda pat pedal pen pet petal petit piano pin pit polar polo pot potato put rabbit rail "
    "rain ram ran rat ray razor reign rein remain retail rival robot rot rotor rum rumor run "
    "rural safari saga sail salami sat satin set silo sin sit soda sofa solar solo son stain "
    "star stem step stigma stir stop sun taco tail tan tar ten tenor tin tomato ton total trail "
    "train trait tram trauma troll trot trust tsunami tumor tutor vain van vapor vat vein vet "
    "veto vital zero";

std::set<std::string, std::less<>> all_names() {
  std::set<std::string, std::less<>> names;
  for (std::string_view list :
       {kCountries, kCities, kLanguages, kReligions, kRegions, kGivenNames, kWords}) {
    while (!list.empty()) {
      const std::size_t blank = std::min(list.find(' '), list.size());
      names.emplace(list.substr(0, blank));
      list.remove_prefix(std::min(blank + 1, list.size()));
    }
  }
  return names;
}

}  // namespace

bool is_real_name(std::string_view name) {
  static const std::set<std::string, std::less<>> names = all_names();
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return names.find(lower) != names.end();
}

}  // namespace kedit
