//! What a launch needs of a graphics card is weighed before it is sent anywhere.

use anyhow::{Result, ensure};
use e2e::{Api, NvmlStub, TestNode};

/// A Tesla T4 of which 14336 MB are free, and which encodes two pictures.
async fn refused(nvml: &NvmlStub, set: &str) -> Result<String> {
    let library = format!("telemetry.nvml_library={}", nvml.path.display());
    let node = TestNode::start_with(&[&library, "graphics.mode=software", set], &[]).await?;
    let admin = node.admin()?;
    admin.until_snapshot("figures of the machine", |snapshot| snapshot.health.as_ref().map(drop)).await?;
    let ann = Api::with_new_session(node.ports.http).await?;
    let said = ann.launch_build("demo").await.unwrap_err().to_string();
    ensure!(admin.snapshot().await?.instances.is_empty(), "nothing has started");
    Ok(said)
}

#[tokio::test]
async fn a_launch_that_the_graphics_card_has_no_room_for_is_refused_with_what_is_short() -> Result<()> {
    let nvml = NvmlStub::build()?;
    let (memory, sessions) = tokio::join!(
        refused(&nvml, "standby.gpu_memory_mb=20000"),
        refused(&nvml, "stream.encoder_sessions=2")
    );
    let (memory, sessions) = (memory?, sessions?);
    ensure!(memory.contains("20032 MB are needed, and 14336 MB are free"), "{memory}");
    ensure!(sessions.contains("as many pictures as its driver allows (2)"), "{sessions}");
    Ok(())
}
