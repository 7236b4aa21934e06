"""Biomedical sentences of the mixed set: types, lexicons and patterns."""

from .blocks import patterns, terms

TYPES = {
    "DISEASE": ("disease", "Named illness, disorder, syndrome or tumour that a doctor diagnoses, such as asthma or gout"),
    "DRUG": ("drug", "Medicine given by its generic name, whether taken as a tablet, injected or inhaled"),
    "GENE": ("gene", "Symbol of a human or animal gene whose variants, deletion or expression are discussed"),
    "PROTEIN": ("protein", "Named enzyme, receptor, hormone, antibody target or other protein molecule in the body"),
    "SYMPTOM": ("symptom", "Complaint or sign a patient shows or reports, like fever, rash or shortness of breath"),
    "DOSAGE": ("dosage", "Amount of medicine with its unit, and how often it is given if stated"),
    "ANATOMY": ("anatomical structure", "Organ, bone, vessel, muscle, nerve or other part of a human or animal body"),
    "CELL_LINE": ("cell line", "Laboratory strain of cells kept in culture and known by a code, such as HeLa"),
    "SPECIES": ("species", "Animal or plant studied or treated, under its common or its Latin name"),
    "MEDICAL_PROCEDURE": (
        "medical procedure",
        "Operation, scan, biopsy or other intervention carried out on a patient by clinicians",
    ),
    "BACTERIUM": ("bacterium", "Bacterial species or genus that lives in or infects a host, usually in Latin"),
    "LAB_TEST": ("laboratory test", "Quantity measured in blood, urine or other samples, such as serum creatinine or HbA1c"),
}

UNSEEN_TYPES = {
    "MEDICAL_DEVICE": (
        "medical device",
        "Apparatus worn by, implanted in or used on a patient, such as a pacemaker or ventilator",
    ),
    "VIRUS": ("virus", "Named virus that infects people, animals or plants, in full or as an abbreviation"),
    "VITAMIN": ("vitamin", "Vitamin or dietary mineral supplement, by letter or by name, for example folic acid"),
}

LEXICONS = {
    "DISEASE": terms("""
        asthma | gout | type 2 diabetes | rheumatoid arthritis | Crohn's disease | ulcerative colitis | psoriasis | epilepsy |
        Parkinson's disease | multiple sclerosis | cystic fibrosis | sickle cell disease | tuberculosis | malaria | cholera |
        pneumonia | acute myeloid leukaemia | breast cancer | small cell lung cancer | melanoma | glioblastoma | lupus |
        pancreatic cancer | heart failure | atrial fibrillation | hypertension | chronic kidney disease | osteoporosis |
        Alzheimer's disease | Huntington's disease | coeliac disease | endometriosis | migraine | narcolepsy | schizophrenia |
        bipolar disorder | COPD | sepsis | Lyme disease | leprosy | scurvy | haemophilia A | Marfan syndrome |
        anorexia nervosa | Hashimoto's thyroiditis | sarcoidosis | myasthenia gravis | preeclampsia | glaucoma |
        macular degeneration | Addison's disease
    """),
    "DRUG": terms("""
        metformin | ibuprofen | warfarin | amoxicillin | atorvastatin | lisinopril | omeprazole | sertraline | fluoxetine |
        prednisone | methotrexate | rituximab | adalimumab | infliximab | trastuzumab | imatinib | cisplatin | paclitaxel |
        tamoxifen | levothyroxine | salbutamol | budesonide | montelukast | gabapentin | lamotrigine | valproate | lithium |
        clozapine | risperidone | haloperidol | digoxin | amiodarone | furosemide | spironolactone | clopidogrel | apixaban |
        ciprofloxacin | doxycycline | vancomycin | rifampicin | isoniazid | artemether | ivermectin | ketamine | propofol |
        morphine | naloxone | ondansetron | semaglutide | dapagliflozin | tocilizumab | pembrolizumab | colchicine |
        allopurinol
    """),
    "GENE": terms("""
        BRCA1 | BRCA2 | TP53 | KRAS | EGFR | PTEN | APOE | CFTR | HTT | SNCA | LRRK2 | FMR1 | MLH1 | MSH2 | RB1 | NOTCH1 |
        JAK2 | BRAF | ALK | MYC | FOXP3 | HBB | F8 | DMD | SMN1 | COL1A1 | FBN1 | PCSK9 | LDLR | TCF7L2 | SCN1A | MECP2 |
        IDH1 | ATM | Trp53 | Pax6 | Sox2 | Lep | Shh | daf-16 | VHL | WT1 | RUNX1 | GATA4 | TTN | MYBPC3 | UGT1A1 | CYP2D6 |
        VKORC1 | NPM1
    """),
    "PROTEIN": terms("""
        insulin | haemoglobin | albumin | p53 | tumour necrosis factor alpha | interleukin-6 | interferon gamma | fibrinogen |
        collagen IV | tau | alpha-synuclein | amyloid precursor protein | vascular endothelial growth factor | caspase-3 |
        actin | beta-catenin | cytochrome c | leptin | ghrelin | thrombin | myosin heavy chain | E-cadherin |
        the androgen receptor | the insulin receptor | cyclin D1 | heat shock protein 70 | ferritin | transferrin | PD-L1 |
        CD20 | CD4 | mTOR | NF-κB | superoxide dismutase | carbonic anhydrase | acetylcholinesterase | keratin 14 |
        troponin T | calmodulin | osteopontin
    """),
    "SYMPTOM": terms("""
        fever | night sweats | dry cough | shortness of breath | chest pain | fatigue | nausea | vomiting | diarrhoea |
        dizziness | blurred vision | joint stiffness | headache | palpitations | weight loss | itching | skin rash | tremor |
        hoarseness | muscle cramps | loss of smell | insomnia | confusion | drooling | swollen ankles | tingling | low mood |
        hair loss | ringing in the ears | dry mouth | constipation | nosebleeds | facial weakness | hiccups | bloating |
        neck stiffness | chills
    """),
    "DOSAGE": terms("""
        {5-95}0 mg | {5-90} mg twice daily | {1-9} mg/kg | {100-900} mg once a day | {2-9} g | 0.{1-9} mg | {10-90} µg |
        {2-40} units at bedtime | {1-4} tablets every {4-8} hours | {1-9}.5 mg/kg per day | {5-20} ml three times a day |
        two puffs | {20-90} mg/m2 | {10-80} mg at night | {2-8} drops in each eye | {100-900} mg intravenously |
        {2-9}00 mg every 12 hours
    """),
    "ANATOMY": terms("""
        left ventricle | femur | hippocampus | liver | spleen | pancreas | right kidney | small intestine | aorta | cornea |
        optic nerve | prefrontal cortex | thyroid gland | bladder | gallbladder | lumbar spine | Achilles tendon | eardrum |
        cerebellum | carotid artery | bone marrow | lymph nodes | diaphragm | oesophagus | uterus | left knee | retina |
        scalp | adrenal glands | sciatic nerve | sternum | tongue | portal vein | rotator cuff | pituitary gland | inner ear |
        jaw
    """),
    "CELL_LINE": terms("""
        HeLa | HEK293 | MCF-7 | A549 | U2OS | Jurkat | K562 | HepG2 | Caco-2 | CHO-K1 | NIH 3T3 | PC12 | SH-SY5Y | HCT116 |
        LNCaP | MDA-MB-231 | THP-1 | Vero E6 | COS-7 | RAW 264.7 | U937 | BV-2 | HUVEC | L929 | HT-29 | SK-BR-3 | INS-1
    """),
    "SPECIES": terms("""
        zebrafish | Drosophila melanogaster | Caenorhabditis elegans | rhesus macaques | domestic pigs | Wistar rats |
        C57BL/6 mice | Arabidopsis thaliana | naked mole-rats | Syrian hamsters | guinea pigs | beagles | axolotls |
        Xenopus laevis | honeybees | marmosets | fruit bats | prairie voles | ferrets | Nicotiana benthamiana | chickens |
        Holstein cows | sheep | barn owls | Aedes aegypti | Anopheles gambiae | house sparrows | Atlantic salmon | wild boar |
        New Zealand white rabbits | alpacas
    """),
    "MEDICAL_PROCEDURE": terms("""
        colonoscopy | appendectomy | hip replacement | coronary angiography | lumbar puncture | kidney transplantation |
        mastectomy | cataract surgery | bronchoscopy | MRI | CT scan | caesarean section | skin biopsy | dialysis |
        tonsillectomy | EEG | knee arthroscopy | echocardiography | radiotherapy | blood transfusion | liver biopsy |
        laparoscopy | root canal treatment | coronary bypass surgery | endoscopy | electroconvulsive therapy | intubation |
        amniocentesis | splenectomy | spinal fusion
    """),
    "BACTERIUM": terms("""
        Staphylococcus aureus | Escherichia coli | Helicobacter pylori | Clostridioides difficile | Klebsiella pneumoniae |
        Pseudomonas aeruginosa | Mycobacterium tuberculosis | Streptococcus pyogenes | Listeria monocytogenes |
        Borrelia burgdorferi | Salmonella Typhi | Vibrio cholerae | Neisseria meningitidis | Legionella |
        Bordetella pertussis | E. coli | S. aureus | Lactobacillus reuteri | Bacteroides fragilis | Campylobacter jejuni |
        Yersinia pestis | Akkermansia muciniphila | Bacillus subtilis
    """),
    "LAB_TEST": terms("""
        serum creatinine | HbA1c | C-reactive protein | platelet count | fasting glucose | LDL cholesterol | white cell count |
        serum sodium | prothrombin time | urine albumin | TSH | serum potassium | uric acid | erythrocyte sedimentation rate |
        alanine aminotransferase | blood urea nitrogen | arterial lactate | D-dimer | total bilirubin | haematocrit | PSA | INR
    """),
    "patient": terms("""
        {19-93}-year-old woman | {19-93}-year-old man | {16-40}-year-old cyclist | retired teacher | {4-17}-year-old girl |
        newborn boy | farmer in his fifties | {20-60}-year-old nurse
    """),
    "num": terms("{12-99} | {100-980} | {2-9},{d3}"),
    "ratio": terms("0.{20-90} | 1.{10-90} | 2.{1-9}"),
    "MEDICAL_DEVICE": terms("""
        pacemaker | insulin pump | drug-eluting stent | cochlear implant | hearing aid | nasal cannula |
        continuous glucose monitor | titanium hip prosthesis | defibrillator vest | urinary catheter | mechanical ventilator |
        pulse oximeter | spinal cord stimulator | intrauterine device | feeding tube | knee brace | peak flow meter |
        nebuliser | ventriculoperitoneal shunt | prosthetic heart valve | infusion pump | CPAP mask | tracheostomy tube |
        ankle splint
    """),
    "VIRUS": terms("""
        Zika virus | hepatitis C virus | SARS-CoV-2 | HIV-1 | influenza A | cytomegalovirus | Epstein-Barr virus | rotavirus |
        norovirus | hantavirus | dengue virus | Ebola virus | West Nile virus | measles virus | human papillomavirus 16 |
        chikungunya virus | respiratory syncytial virus | Nipah virus | varicella zoster virus | parvovirus B19 |
        tobacco mosaic virus | rabies virus | HSV-2
    """),
    "VITAMIN": terms("""
        vitamin D | vitamin B12 | folic acid | vitamin C | vitamin K2 | thiamine | riboflavin | niacin | vitamin A | biotin |
        vitamin E | pyridoxine | zinc | magnesium | selenium | calcium | iodine | vitamin B6 | niacinamide
    """),
}

PATTERNS = patterns("""
- A(n) {patient} with {DISEASE} was started on {DRUG} {DOSAGE}.
- Loss of {GENE} in {CELL_LINE} cells raised the level of {PROTEIN} threefold.
- {DRUG} is not recommended in {DISEASE}.
- The patient complained of {SYMPTOM}, {SYMPTOM} and {SYMPTOM} for two weeks before {MEDICAL_PROCEDURE} showed the cause in the
  {ANATOMY}.
- Variants of {GENE} and {GENE} were found in {num} families with {DISEASE}.
- Does {DRUG} cause {SYMPTOM}?
- In {SPECIES:plural}, deletion of {GENE} leads to defects of the {ANATOMY}.
- Cultures grew {BACTERIUM}, resistant to {DRUG} but not to {DRUG}.
- Her {LAB_TEST} fell after {DRUG} was stopped.
- {SYMPTOM} and {SYMPTOM} are common side effects of {DRUG}.
- We measured {PROTEIN} and {LAB_TEST} in {num} people who had undergone {MEDICAL_PROCEDURE}.
- {PROTEIN} binds {PROTEIN} in the membrane of {CELL_LINE} cells, and {DRUG} blocks the binding.
- The trial was stopped early because more people on {DRUG} than on placebo developed {DISEASE} (hazard ratio {ratio}).
- Take {DOSAGE} with food.
- After {MEDICAL_PROCEDURE}, {DRUG} {DOSAGE:mg} was given overnight.
- {BACTERIUM} colonises the {ANATOMY} of {SPECIES:plural} without harm.
- {num} samples were excluded because their labels could not be read.
- The {ANATOMY} looked normal, but the patient reported {SYMPTOM}.
- Mutations in {GENE} cause {DISEASE}; those in {GENE} only modify its severity.
- {CELL_LINE} and {CELL_LINE} cells were treated with {DRUG} for 48 hours.
- Expression of {GENE} was higher in the {ANATOMY} than in the {ANATOMY}.
- My doctor wants me to have a(n) {MEDICAL_PROCEDURE:countable} because of the {SYMPTOM}. Is that normal?
- {DISEASE} often goes unnoticed until {SYMPTOM} sets in.
- Mean {LAB_TEST} and mean {LAB_TEST} did not differ between arms.
- How {PROTEIN} enters the {ANATOMY} is still unclear.
- Ten {SPECIES:plural} received {DRUG} at {DOSAGE:mgkg} and ten received nothing.
- A cluster of {BACTERIUM} infections was traced to one instrument tray, and the {SYMPTOM} of all six patients went away with
  {DRUG}.
- rs{d6}, near {GENE}, is associated with {LAB_TEST} in a sample of {num} adults.
- On examination: {SYMPTOM}, {SYMPTOM}. {LAB_TEST} raised. Plan: {MEDICAL_PROCEDURE}, then {DRUG} {DOSAGE}.
- pt c/o {SYMPTOM} x3d, hx of {DISEASE}, on {DRUG} {DOSAGE}, r/o {DISEASE}
- {DRUG}, unlike {DRUG}, accumulates in the {ANATOMY}.
- Infection with {BACTERIUM} raises the risk of {DISEASE} in carriers of the {GENE} risk allele by a factor of {ratio}.
- Of the {num} patients randomised, most had {DISEASE}, a third had {DISEASE} as well, and only two had to stop {DRUG} because
  of {SYMPTOM}.
- {MEDICAL_PROCEDURE} is safe in {DISEASE} if the {LAB_TEST} is normal.
- Knockdown of {GENE} made {CELL_LINE} cells insensitive to {DRUG}, whereas overexpression of {GENE} had no effect.
- Antibodies against {PROTEIN} were raised in {SPECIES:plural}.
- Missed a dose? Do not take {DOSAGE:double} at once.
- The genome of {SPECIES} contains two copies of {GENE}, while that of {SPECIES} has lost both.
- Chronic {SYMPTOM:chronic} affects one adult in ten.
- {DISEASE} and {DISEASE} share risk factors, among them a high {LAB_TEST}.
- The dose of {DRUG} was raised from {DOSAGE:mg} to {DOSAGE:mg} when the {SYMPTOM} came back.
- {SPECIES:plural} infected with {BACTERIUM} died within six days unless they were given {DRUG}.
- A foreign body in the {ANATOMY} was removed without {MEDICAL_PROCEDURE}.
- {PROTEIN}, encoded by {GENE}, is cleaved in the {ANATOMY}.
- Children with {DISEASE} should not get {DRUG}; {DRUG} ({DOSAGE}) is safer.
- Blinding was adequate and no data were missing.
- Neither {DRUG} nor {MEDICAL_PROCEDURE} helped, and the {patient} died of {DISEASE} in the eighth week.
- Extracts of {SPECIES:plant} slowed the growth of {CELL_LINE} cells and of {BACTERIUM}.
- Is {DISEASE} hereditary, and should my sister have her {GENE} gene tested?
""")

HELD_OUT_PATTERNS = patterns("""
- The {ANATOMY} of {SPECIES} regenerates when {PROTEIN} is present.
- Ms. K. took {DRUG} ({DOSAGE}) against {DISEASE} and woke up with {SYMPTOM}.
- {GENE} knockout {SPECIES:plural} are protected from {DISEASE}.
- No growth of {BACTERIUM} was seen after {MEDICAL_PROCEDURE}.
- Why is {LAB_TEST} high in {DISEASE}?
- {CELL_LINE} cells secrete {PROTEIN} when {GENE} is silenced.
- {DRUG} {DOSAGE}
- Three of four {SPECIES:plural} given {DRUG} showed {SYMPTOM:animal}, and the {LAB_TEST} of all four rose.
- Refer for {MEDICAL_PROCEDURE} if there is still {SYMPTOM} after six weeks or the {ANATOMY} is enlarged.
""")

UNSEEN_PATTERNS = patterns("""
- {VIRUS} persists in the {ANATOMY} for months after {SYMPTOM} has gone.
- The {MEDICAL_DEVICE} was replaced because it had worn out.
- Low levels of {VITAMIN} have been linked to {DISEASE}.
- A(n) {patient} with a(n) {MEDICAL_DEVICE} came to the clinic with {SYMPTOM}.
- {SPECIES} are the natural host of {VIRUS}, not of {VIRUS}.
- Take {VITAMIN} {DOSAGE} while you are on {DRUG}.
- Can I have a(n) {MEDICAL_PROCEDURE:countable} if I have a(n) {MEDICAL_DEVICE}?
- Replication of {VIRUS} in {CELL_LINE} cells depends on {PROTEIN}.
- Supplements of {VITAMIN} and {VITAMIN} had no effect on {LAB_TEST}.
- {BACTERIUM} formed a film on the inside of the {MEDICAL_DEVICE}.
- Coinfection with {VIRUS} and {BACTERIUM} is often fatal in the very old.
- {DRUG} inhibits {VIRUS} in culture, yet people treated with {DOSAGE} recovered no faster.
- Fitting a(n) {MEDICAL_DEVICE} costs less than {MEDICAL_PROCEDURE}, and patients report less {SYMPTOM}.
- {VITAMIN}, not {VITAMIN}, is what was missing from the diet of the sailors.
- {num} swabs were positive for {VIRUS}.
""")

LEXICONS |= {
    "countable": terms("""
        colonoscopy | lumbar puncture | hip replacement | skin biopsy | CT scan | MRI | tonsillectomy | bronchoscopy
    """),
    "plural": terms("""
        rhesus macaques | domestic pigs | Wistar rats | C57BL/6 mice | Syrian hamsters | guinea pigs | ferrets | beagles |
        sheep | zebrafish | chickens | axolotls | marmosets | fruit bats | naked mole-rats | prairie voles | barn owls |
        alpacas | Holstein cows
    """),
    "plant": terms("""
        Arabidopsis thaliana | Nicotiana benthamiana | Artemisia annua | Salvia officinalis | white willow | Aloe vera |
        turmeric
    """),
    "double": terms("two tablets | four tablets | {4-8}00 mg | {10-20} ml"),
    "mgkg": terms("{1-9} mg/kg | {1-9}.5 mg/kg per day | {10-80} µg/kg | {2-20} mg/kg every other day"),
    "mg": terms("{1-9}.5 mg | {2-19}0 mg | {2-9}00 mg daily | {10-40} mg twice a day"),
    "chronic": terms("cough | back pain | fatigue | insomnia | itching | pelvic pain | headache | hoarseness | constipation"),
    "animal": terms("tremor | drooling | vomiting | weight loss | hair loss | lethargy | limping"),
}
