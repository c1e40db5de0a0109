use super::*;
use crate::testing::{dev_keys, g2_outside_the_subgroup};
use ark_bn254::{G1Projective, G2Projective};
use ark_ec::CurveGroup;
use ark_ff::{BigInteger, UniformRand};
use serde_json::{Value, json};

fn some_proof() -> Proof {
    let mut rng = ark_std::test_rng();
    let (a, c) = (G1Projective::rand(&mut rng), G1Projective::rand(&mut rng));
    let b = G2Projective::rand(&mut rng);
    Proof::from_points(a.into_affine(), b.into_affine(), c.into_affine()).expect("points")
}

/// Sound points for `public` public inputs.
fn points(public: usize) -> VkPoints {
    let mut rng = ark_std::test_rng();
    let mut g2 = || G2Projective::rand(&mut rng).into_affine();
    let (beta_g2, gamma_g2, delta_g2) = (g2(), g2(), g2());
    let step = G1Projective::rand(&mut rng);
    let ic = (0..=public as u64).map(|i| (step * Fr::from(i + 2)).into_affine()).collect();
    VkPoints { alpha_g1: step.into_affine(), beta_g2, gamma_g2, delta_g2, ic }
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn key_error(change: impl FnOnce(&mut Value)) -> String {
    let mut file = value(&export_key_points(&points(2)));
    change(&mut file);
    import_circuit_key(&file.to_string()).expect_err("refused").to_string()
}

fn proof_error(change: impl FnOnce(&mut Value)) -> String {
    let mut file = value(&export_proof(&some_proof()));
    change(&mut file);
    import_proof(&file.to_string()).expect_err("refused").to_string()
}

/// The number and the modulus, in one.
fn raised<F: PrimeField>(number: &Value) -> Value {
    let text = number.as_str().expect("text");
    let mut sum = text.parse::<F>().ok().expect("a number").into_bigint();
    sum.add_with_carry(&F::MODULUS);
    sum.to_string().into()
}

#[test]
fn keys_proofs_and_inputs_come_back_from_their_json() {
    let vk = &dev_keys().1;
    assert_eq!(import_verifying_key(*vk.header(), &export_verifying_key(vk)).as_ref(), Ok(vk));
    let proof = some_proof();
    assert_eq!(import_proof(&export_proof(&proof)), Ok(proof));
    for n in [0, 1, 8, 9, 1000] {
        let key = points(n);
        let back = import_circuit_key(&export_key_points(&key)).expect("own JSON");
        assert_eq!((back.points(), back.num_public()), (&key, n));
        let inputs: Vec<Fr> = (0..n as u64).map(|x| Fr::from(x) - Fr::from(3u64)).collect();
        assert_eq!(import_public(&export_public(&inputs)), Ok(inputs));
    }
}

#[test]
fn a_key_of_a_statement_has_eight_public_inputs_and_a_clean_lint() {
    let header = *dev_keys().1.header();
    let refused = import_verifying_key(header, &export_key_points(&points(7)));
    assert_eq!(refused, Err(VkLint::IcLength { expected: 9, got: 8 }.into()));
    let mut bad = dev_keys().1.points().clone();
    bad.delta_g2 = bad.gamma_g2;
    let bad = export_key_points(&bad);
    assert_eq!(import_verifying_key(header, &bad), Err(VkLint::DeltaIsGamma.into()));
    let told = import_circuit_key(&bad).expect("sound points").warnings();
    assert_eq!(told, [VkLint::DeltaIsGamma]);
}

#[test]
fn a_key_that_nobody_contributed_to_is_read_with_a_warning() {
    let mut key = points(1);
    (key.gamma_g2, key.delta_g2) = (G2Affine::generator(), G2Affine::generator());
    let read = import_circuit_key(&export_key_points(&key)).expect("sound points");
    assert_eq!(read.warnings(), [VkLint::Generator(VkPart::Delta), VkLint::DeltaIsGamma]);
    key.delta_g2 = points(1).delta_g2;
    let read = import_circuit_key(&export_key_points(&key)).expect("sound points");
    assert_eq!(read.warnings(), [], "gamma is the generator in every key of snarkjs");
}

#[test]
fn the_alphabeta_of_snarkjs_is_accepted_and_other_unknown_fields_are_not() {
    let json = export_key_points(&points(2));
    let more = json.replacen('{', "{ \"vk_alphabeta_12\": [[[\"1\",\"2\"]]],", 1);
    assert_eq!(import_circuit_key(&more).expect("as snarkjs writes it").points(), &points(2));
    assert!(key_error(|k| k["note"] = json!(1)).contains("unknown field `note`"));
    let twice = json.replacen('{', "{ \"nPublic\": 2,", 1);
    let error = import_circuit_key(&twice).expect_err("refused").to_string();
    assert!(error.contains("duplicate field `nPublic`"), "{error}");
    assert!(proof_error(|p| p["pi_d"] = json!(1)).contains("unknown field `pi_d`"));
}

#[test]
fn a_proof_need_not_name_its_curve_as_rapidsnarks_do_not() {
    let mut file = value(&export_proof(&some_proof()));
    file.as_object_mut().expect("an object").remove("curve");
    assert_eq!(import_proof(&file.to_string()), Ok(some_proof()));
    let error = key_error(|k| {
        k.as_object_mut().expect("an object").remove("curve");
    });
    assert!(error.contains("missing field `curve`"), "{error}");
}

#[test]
fn another_curve_or_proof_system_is_named_before_anything_else() {
    let bls = key_error(|k| k["curve"] = json!("bls12381"));
    assert_eq!(bls, "verification_key.json: curve bls12381; Amanat verifies bn128 (BN254)");
    // As snarkjs writes keys and proofs of PLONK and FFLONK: with other fields.
    for system in ["plonk", "fflonk"] {
        let key = json!({ "protocol": system, "curve": "bn128", "nPublic": 1, "power": 3, "k1": "2", "Qm": ["1", "2", "1"] });
        assert_eq!(
            import_circuit_key(&key.to_string()).expect_err("refused").to_string(),
            format!("verification_key.json: protocol {system}; Amanat verifies groth16")
        );
        let proof = json!({ "A": ["1", "2", "1"], "polynomials": {}, "evaluations": {}, "protocol": system, "curve": "bn128" });
        assert_eq!(
            import_proof(&proof.to_string()).expect_err("refused").to_string(),
            format!("proof.json: protocol {system}; Amanat verifies groth16")
        );
    }
    let error = proof_error(|p| p["curve"] = json!("bls12381"));
    assert_eq!(error, "proof.json: curve bls12381; Amanat verifies bn128 (BN254)");
    // A number of the larger field, under the name of ours.
    let error = key_error(|k| k["vk_alpha_1"][0] = json!("9".repeat(96)));
    assert_eq!(error, "verification_key.json: vk_alpha_1.x: not below the modulus of BN254's base field");
    let error = key_error(|k| k["protocol"] = json!("\u{1b}[2J".repeat(1000)));
    assert!(error.len() < 400 && error.is_ascii() && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn public_inputs_are_plain_decimal_text_below_the_modulus() {
    let modulus = Fr::MODULUS.to_string();
    let below = (-Fr::one()).into_bigint().to_string();
    let with = |x: &str| import_public(&format!("[\"0\",\"{x}\"]"));
    assert_eq!(with(&below), Ok(vec![Fr::zero(), -Fr::one()]));
    let refused = |fault| Err(SnarkjsError::Element { file: "public.json", element: "[1]".into(), fault });
    for bad in ["", "-1", "+1", "00", "01", " 1", "1 ", "0x1", "1e3", "1.0", "1_000", "٣", "1\\n"] {
        assert_eq!(with(bad), refused(ElementFault::NotDecimal), "{bad}");
    }
    for large in [&modulus, &"9".repeat(77), &"9".repeat(78), &"9".repeat(100_000)] {
        assert_eq!(with(large), refused(ElementFault::TooLarge("scalar field")));
    }
    for bad in ["1", "-1", "1.5", "null", "true", "[\"1\"]", "{\"1\":2}"] {
        assert_eq!(import_public(&format!("[\"0\",{bad}]")), refused(ElementFault::NotText), "{bad}");
    }
}

#[test]
fn what_is_no_list_of_inputs_is_refused() {
    for bad in ["", "{}", "\"1\"", "1", "null", "[", "[\"1\",]", "[\"1\"] x", "\u{feff}[]"] {
        let error = import_public(bad).expect_err("refused").to_string();
        assert!(error.starts_with("public.json: not what snarkjs writes: "), "{error}");
    }
    assert_eq!(import_public(" [ ] "), Ok(vec![]));
    let deep = "[".repeat(100_000);
    assert!(matches!(import_public(&deep), Err(SnarkjsError::Json { .. })));
}

#[test]
fn more_inputs_than_anybody_needs_are_counted_and_not_kept() {
    let many = format!("[{}1]", "1,".repeat(MAX_PUBLIC_INPUTS + 6));
    let got = MAX_PUBLIC_INPUTS + 7;
    assert_eq!(import_public(&many), Err(SnarkjsError::TooMany { file: "public.json", got }));
    let most = format!("[{}\"1\"]", "\"1\",".repeat(MAX_PUBLIC_INPUTS - 1));
    assert_eq!(import_public(&most).map(|all| all.len()), Ok(MAX_PUBLIC_INPUTS));
    let error = key_error(|k| k["IC"] = vec![json!([]); MAX_PUBLIC_INPUTS + 2].into());
    assert_eq!(error, "verification_key.json: 65537 public inputs, at most 65536 are read");
}

#[test]
fn the_number_of_ic_points_agrees_with_the_number_of_public_inputs() {
    for n in [0u64, 1, 3, u64::MAX] {
        let error = key_error(|k| k["nPublic"] = json!(n));
        let words = "the length of IC is 3: it must be one more";
        assert_eq!(error, format!("verification_key.json: nPublic is {n}, {words}"));
    }
    assert!(key_error(|k| k["IC"] = json!([])).contains("the length of IC is 0"));
    for bad in [json!("2"), json!(-2), json!(2.5), json!(null), json!([2])] {
        assert!(
            key_error(|k| k["nPublic"] = bad.clone()).contains("verification_key.json: not what"),
            "{bad}"
        );
    }
}

#[test]
fn every_coordinate_of_a_key_and_of_a_proof_is_judged_and_named() {
    type Change = fn(&Value) -> Value;
    let faults: [(Change, &str); 6] = [
        (raised::<Fq>, "not below the modulus of BN254's base field"),
        (|x| format!("0{}", x.as_str().expect("text")).into(), "not a plain decimal number"),
        (|x| format!("-{}", x.as_str().expect("text")).into(), "not a plain decimal number"),
        (|_| "0x1f".into(), "not a plain decimal number"),
        (|_| 5.into(), "not a decimal number in quotes"),
        (|_| Value::Null, "not a decimal number in quotes"),
    ];
    let key = [
        ("/vk_alpha_1/0", "vk_alpha_1.x"),
        ("/vk_beta_2/0/1", "vk_beta_2.x[1]"),
        ("/vk_gamma_2/1/0", "vk_gamma_2.y[0]"),
        ("/vk_delta_2/2/1", "vk_delta_2.z[1]"),
        ("/IC/0/2", "IC[0].z"),
        ("/IC/2/1", "IC[2].y"),
    ];
    let proof = [
        ("/pi_a/0", "pi_a.x"),
        ("/pi_a/2", "pi_a.z"),
        ("/pi_b/0/0", "pi_b.x[0]"),
        ("/pi_b/1/1", "pi_b.y[1]"),
        ("/pi_c/1", "pi_c.y"),
    ];
    for (change, fault) in faults {
        let at = |pointer: &'static str| {
            move |file: &mut Value| {
                let element = file.pointer_mut(pointer).expect("it is there");
                *element = change(element);
            }
        };
        for (pointer, name) in key {
            let error = key_error(at(pointer));
            assert!(error.starts_with(&format!("verification_key.json: {name}: ")), "{error}");
            assert!(error.contains(fault), "{error}");
        }
        for (pointer, name) in proof {
            let error = proof_error(at(pointer));
            assert!(error.starts_with(&format!("proof.json: {name}: ")), "{error}");
            assert!(error.contains(fault), "{error}");
        }
    }
}

#[test]
fn infinity_non_points_and_points_outside_the_subgroup_are_refused() {
    for infinity in [json!(["0", "1", "0"]), json!(["0", "0", "0"])] {
        let error = proof_error(|p| p["pi_c"] = infinity.clone());
        assert_eq!(
            error,
            "proof.json: pi_c: z is not 1: the point at infinity and unnormalised points are refused"
        );
        assert!(key_error(|k| k["IC"][1] = infinity).contains("IC[1]: z is not 1"));
    }
    let zeros = proof_error(|p| p["pi_a"] = json!(["0", "0", "1"]));
    assert_eq!(zeros, "proof.json: pi_a: the point at infinity is not allowed");
    let off = proof_error(|p| p["pi_a"] = json!(["1", "1", "1"]));
    assert_eq!(off, "proof.json: pi_a: not on the curve");
    let swapped = proof_error(|p| p["pi_b"].as_array_mut().expect("a list").swap(0, 1));
    assert_eq!(swapped, "proof.json: pi_b: not on the curve");
    assert_eq!(key_error(|k| k["IC"][2][1] = json!("5")), "verification_key.json: IC[2]: not on the curve");
    let outside = g2_outside_the_subgroup().next().expect("there are many");
    let outside = json!(g2_json(&outside));
    let error = proof_error(|p| p["pi_b"] = outside.clone());
    assert_eq!(error, "proof.json: pi_b: not in the subgroup of order r");
    for name in ["vk_beta_2", "vk_gamma_2", "vk_delta_2"] {
        let error = key_error(|k| k[name] = outside.clone());
        assert_eq!(error, format!("verification_key.json: {name}: not in the subgroup of order r"));
    }
}

#[test]
fn points_with_too_few_or_too_many_coordinates_and_lists_for_objects_are_refused() {
    assert_eq!(
        proof_error(|p| p["pi_a"] = json!(["1", "2"])),
        "proof.json: pi_a: 3 coordinates are expected, not 2"
    );
    assert_eq!(
        proof_error(|p| p["pi_b"][1] = json!(["1", "2", "3"])),
        "proof.json: pi_b.y: 2 coordinates are expected, not 3"
    );
    assert_eq!(
        key_error(|k| k["IC"][1] = json!(["1", "2", "1", "1"])),
        "verification_key.json: IC[1]: 3 coordinates are expected, not 4"
    );
    assert!(key_error(|k| k["IC"] = json!("x".repeat(5000))).contains("text where a list belongs"));
    let all: Vec<Value> = ["pi_a", "pi_b", "pi_c", "protocol", "curve"]
        .map(|field| value(&export_proof(&some_proof()))[field].clone())
        .into();
    assert!(proof_error(|p| *p = all.into()).contains("an object is expected"));
}
